import assert from "node:assert/strict";
import type { Json } from "../../lib/messages/json.ts";
import { type Config, entitiesOf, shown } from "./discovery.ts";

/** What was told of the only entity of a component, beside its name and kind. */
function one(component: string, config: Config) {
  const [entity, ...more] = entitiesOf(component, config);
  assert.deepEqual(more, []);
  assert.deepEqual([entity?.name, entity?.kind], ["X", component]);
  return { read: entity?.read, write: entity?.writes?.[0] };
}

Deno.test("homeAssistant() knows the payloads of simple components", () => {
  const topics = { state_topic: "s", command_topic: "c" };
  const raw = { topic: "c", payload: "raw" };
  const s = { topic: "s" };
  assert.deepEqual(one("switch", { ...topics, payload_on: true, payload_off: 0 }), {
    read: s,
    write: { ...raw, values: { on: true, off: 0 } },
  });
  assert.deepEqual(one("binary_sensor", { ...topics, payload_on: false }), {
    read: s,
    write: undefined,
  });
  assert.deepEqual(one("sensor", topics), { read: s, write: undefined });
  assert.deepEqual(one("button", { command_topic: "c" }).write, {
    ...raw,
    values: { press: "PRESS" },
  });
  assert.deepEqual(one("number", topics).write, { ...raw, min: 1, max: 100, step: 1 });
  assert.deepEqual(one("number", { ...topics, min: -5.5, max: "7", step: 0.5 }).write, {
    ...raw,
    min: -5.5,
    max: 7,
    step: 0.5,
  });
  assert.deepEqual(one("select", { ...topics, ops: ["a", 2, null] }).write, {
    ...raw,
    options: ["a", "2"],
  });
  assert.deepEqual(one("select", topics).write, raw);
  assert.deepEqual(one("text", { ...topics, min: 2, max: 10 }).write, raw);
  assert.deepEqual(one("notify", { command_topic: "c" }).write, raw);
  assert.deepEqual(one("scene", { command_topic: "c", payload_on: "go" }).write, {
    ...raw,
    values: { on: "go" },
  });
  assert.deepEqual(one("scene", { command_topic: "c" }), { read: undefined, write: undefined });
  assert.deepEqual(one("date", topics).write, { ...raw, example: "2026-11-24" });
  assert.deepEqual(one("time", topics).write, { ...raw, example: "07:30:00" });
  assert.deepEqual(one("datetime", topics).write, { ...raw, example: "2026-11-24T07:30:00+00:00" });
  assert.deepEqual(one("infrared", { schema: "emitter", command_topic: "c" }).write, {
    topic: "c",
    payload: "json",
  });
  assert.deepEqual(one("event", { state_topic: "s" }).read, { topic: "s", path: "/event_type" });
  assert.deepEqual(one("event", { stat_t: "s", val_tpl: "{{ value_json.e }}" }).read, {
    topic: "s",
    path: "/e",
  });
  assert.deepEqual(one("camera", { topic: "image" }).read, { topic: "image" });
  assert.deepEqual(one("image", { img_t: "image" }).read, { topic: "image" });
  assert.deepEqual(one("image", { url_t: "url", url_tpl: "{{ value_json.u }}" }).read, {
    topic: "url",
    path: "/u",
  });
  assert.deepEqual(one("not_known_yet", topics), { read: s, write: undefined });
});

Deno.test("homeAssistant() tells what a lock, an alarm and a siren take", () => {
  const topics = { state_topic: "s", command_topic: "c" };
  const raw = { topic: "c", payload: "raw" };
  assert.deepEqual(one("lock", topics).write, {
    ...raw,
    values: { lock: "LOCK", unlock: "UNLOCK" },
  });
  assert.deepEqual(one("lock", { ...topics, pl_open: "O", pl_lock: "L", pl_unlk: "U" }).write, {
    ...raw,
    values: { lock: "L", unlock: "U", open: "O" },
  });
  const alarm = (config: Config) => one("alarm_control_panel", { ...topics, ...config }).write;
  assert.deepEqual(alarm({ command_template: "{{action}}" }), {
    ...raw,
    values: {
      arm_home: "ARM_HOME",
      arm_away: "ARM_AWAY",
      arm_night: "ARM_NIGHT",
      arm_vacation: "ARM_VACATION",
      arm_custom_bypass: "ARM_CUSTOM_BYPASS",
      trigger: "TRIGGER",
      disarm: "DISARM",
    },
  });
  assert.deepEqual(alarm({ sup_feat: ["arm_home", "x"], pl_arm_home: "home" })?.values, {
    arm_home: "home",
    disarm: "DISARM",
  });
  assert.deepEqual(alarm({ supported_features: [], pl_disarm: "off" })?.values, { disarm: "off" });
  assert.equal(alarm({ cmd_tpl: '{"action":"{{ action }}","code":"{{ code }}"}' }), undefined);
  const siren = (config: Config) => one("siren", { ...topics, ...config }).write;
  assert.deepEqual(siren({ pl_on: 1 }), {
    topic: "c",
    payload: "json",
    values: { on: { state: 1 }, off: { state: "OFF" } },
  });
  assert.deepEqual(siren({ cmd_tpl: "{{ value }}" }), { ...raw, values: { on: "ON", off: "OFF" } });
  assert.deepEqual(one("siren", { ...topics, stat_val_tpl: "{{ value_json.s }}" }).read, {
    topic: "s",
    path: "/s",
  });
});

Deno.test("homeAssistant() tells the functions of a climate", () => {
  assert.deepEqual(
    shown("climate", {
      name: "Study",
      modes: ["off", "cool", "fan_only"],
      swing_h_modes: ["on", "off"],
      fan_modes: ["high", "low"],
      preset_modes: ["eco", "sleep"],
      mode_cmd_t: "ac/mode/set",
      mode_stat_t: "ac/mode",
      temp_cmd_t: "ac/temperature/set",
      temp_stat_t: "ac/temperature",
      temp_stat_tpl: "{{ value_json.t }}",
      temp_hi_cmd_t: "ac/high/set",
      temp_lo_stat_t: "ac/low",
      fan_mode_cmd_t: "ac/fan/set",
      swing_mode_cmd_t: "ac/swing/set",
      swing_h_mode_cmd_t: "ac/swingH/set",
      preset_mode_command_topic: "ac/preset/set",
      preset_mode_value_template: "{{ value_json.p }}",
      preset_mode_state_topic: "ac/preset",
      power_command_topic: "ac/power/set",
      payload_on: "1",
      curr_temp_t: "ac/now",
      curr_temp_tpl: "{{ value_json.a }}",
      curr_hum_t: "ac/now",
      act_t: "ac/action",
      hum_cmd_t: "ac/humidity/set",
      value_template: "{{ value_json }}",
      min_temp: 16,
      max_temp: "30",
      temp_step: 0.5,
      temp_unit: "C",
      precision: 0.1,
    }),
    [
      'Study | - | - | ac/power/set raw {"values":{"on":"1","off":"OFF"}}',
      "Study current temperature | °C | ac/now/a | -",
      'Study target temperature | °C | ac/temperature/t | ac/temperature/set raw {"min":16,"max":30,"step":0.5}',
      "Study target temperature low | °C | ac/low | -",
      'Study target temperature high | °C | - | ac/high/set raw {"min":16,"max":30,"step":0.5}',
      "Study current humidity | % | ac/now | -",
      'Study target humidity | % | - | ac/humidity/set raw {"min":30,"max":99}',
      'Study mode | - | ac/mode | ac/mode/set raw {"options":["off","cool","fan_only"]}',
      "Study action | - | ac/action | -",
      'Study preset mode | - | ac/preset/p | ac/preset/set raw {"options":["eco","sleep"]}',
      'Study fan mode | - | - | ac/fan/set raw {"options":["high","low"]}',
      'Study swing mode | - | - | ac/swing/set raw {"options":["on","off"]}',
      'Study swing horizontal mode | - | - | ac/swingH/set raw {"options":["on","off"]}',
    ],
  );
  const common = {
    "value_template": "{{ value_json.x }}",
    mode_cmd_t: "m",
    mode_stat_t: "s",
    temperature_unit: "K",
    curr_temp_t: "now",
  };
  assert.deepEqual(shown("climate", common), [
    "X current temperature | K | now/x | -",
    'X mode | - | s/x | m raw {"options":["auto","off","cool","heat","dry","fan_only"]}',
  ]);
  assert.deepEqual(shown("water_heater", { ...common, temp_cmd_t: "t", pow_cmd_t: "p" }), [
    'X | - | - | p raw {"values":{"on":"ON","off":"OFF"}}',
    "X current temperature | K | now/x | -",
    "X target temperature | K | - | t raw {}",
    'X mode | - | s/x | m raw {"options":' +
    '["off","eco","electric","gas","heat_pump","high_demand","performance"]}',
  ]);
  assert.deepEqual(shown("climate", { swing_h_mode_cmd_t: "h", swing_h_modes: ["left"] }), [
    'X swing horizontal mode | - | - | h raw {"options":["left"]}',
  ]);
  assert.deepEqual(shown("climate", { mode_cmd_t: "m", modes: [] }), ["X mode | - | - | m raw {}"]);
});

Deno.test("homeAssistant() tells what a climate takes that does not say", () => {
  const climate = {
    fan_mode_cmd_t: "f",
    swing_mode_cmd_t: "s",
    swing_h_mode_cmd_t: "h",
    hum_cmd_t: "hum",
    temp_cmd_t: "t",
  };
  assert.deepEqual(shown("climate", climate), [
    'X target temperature | - | - | t raw {"step":1}',
    'X target humidity | % | - | hum raw {"min":30,"max":99}',
    'X fan mode | - | - | f raw {"options":["auto","low","medium","high"]}',
    'X swing mode | - | - | s raw {"options":["on","off"]}',
    'X swing horizontal mode | - | - | h raw {"options":["on","off"]}',
  ]);
  // Bounds of a temperature are those of its unit.
  const bounds = (component: string, config: Config) =>
    shown(component, { temp_cmd_t: "t", ...config })[0]?.split(" raw ")[1];
  assert.equal(bounds("climate", { temp_unit: "C" }), '{"min":7,"max":35,"step":1}');
  assert.equal(
    bounds("climate", { temp_unit: "F", max_temp: 80 }),
    '{"min":44.6,"max":80,"step":1}',
  );
  assert.equal(bounds("water_heater", { temp_unit: "C" }), '{"min":43.3,"max":60}');
  assert.equal(bounds("water_heater", { temp_unit: "F" }), '{"min":110,"max":140}');
});

Deno.test("homeAssistant() tells the functions of a fan and a humidifier", () => {
  assert.deepEqual(
    shown("fan", {
      state_topic: "fan/on",
      stat_val_tpl: "{{ value_json.on }}",
      command_topic: "fan/on/set",
      dir_stat_t: "fan/direction",
      dir_cmd_t: "fan/direction/set",
      osc_stat_t: "fan/oscillation",
      osc_val_tpl: "{{ value_json.o }}",
      osc_cmd_t: "fan/oscillation/set",
      pl_osc_off: "still",
      pct_stat_t: "fan/speed",
      pct_cmd_t: "fan/speed/set",
      pct_cmd_tpl: '{"speed": {{ value }}}',
      pr_mode_stat_t: "fan/preset",
      pr_mode_cmd_t: "fan/preset/set",
      pr_modes: ["auto", "smart"],
      spd_rng_max: 10,
    }),
    [
      'X | - | fan/on/on | fan/on/set raw {"values":{"on":"ON","off":"OFF"}}',
      String
        .raw`X percentage | - | fan/speed | fan/speed/set raw {"min":1,"max":10,"template":"{\"speed\": {{ value }}}"}`,
      'X preset mode | - | fan/preset | fan/preset/set raw {"options":["auto","smart"]}',
      'X oscillation | - | fan/oscillation/o | fan/oscillation/set raw {"values":{"on":"oscillate_on","off":"still"}}',
      'X direction | - | fan/direction | fan/direction/set raw {"options":["forward","reverse"]}',
    ],
  );
  assert.deepEqual(shown("fan", { osc_cmd_t: "o" }), [
    'X oscillation | - | - | o raw {"values":{"on":"oscillate_on","off":"oscillate_off"}}',
  ]);
  assert.deepEqual(
    shown("humidifier", {
      state_topic: "h/on",
      cmd_t: "h/on/set",
      hum_stat_t: "h/target",
      hum_state_tpl: "{{ value_json.h }}",
      hum_cmd_t: "h/target/set",
      min_hum: 30,
      modes: ["normal", "eco"],
      mode_cmd_t: "h/mode/set",
      mode_stat_t: "h/mode",
      act_t: "h/action",
      curr_hum_t: "h/now",
      curr_hum_tpl: "{{ value_json.n }}",
    }),
    [
      'X | - | h/on | h/on/set raw {"values":{"on":"ON","off":"OFF"}}',
      "X current humidity | % | h/now/n | -",
      'X target humidity | % | h/target/h | h/target/set raw {"min":30,"max":100}',
      'X mode | - | h/mode | h/mode/set raw {"options":["normal","eco"]}',
      "X action | - | h/action | -",
    ],
  );
});

Deno.test("homeAssistant() tells the functions of covers and valves", () => {
  assert.deepEqual(
    shown("cover", {
      command_topic: "cover/set",
      state_topic: "cover/state",
      payload_stop: null,
      pl_cls: "down",
      pos_t: "cover/position",
      pos_tpl: "{{ value_json.p }}",
      set_pos_t: "cover/position/set",
      set_pos_tpl: '{"position": {{ position }}}',
      pos_clsd: 100,
      pos_open: 0,
      tilt_cmd_t: "cover/tilt/set",
      tilt_status_t: "cover/tilt",
      tilt_status_tpl: "{{ value_json.t }}",
      tilt_min: -90,
      tilt_max: 90,
    }),
    [
      'X | - | cover/state | cover/set raw {"values":{"open":"OPEN","close":"down"}}',
      String
        .raw`X position | - | cover/position/p | cover/position/set raw {"min":0,"max":100,"values":{"open":0,"close":100},"template":"{\"position\": {{ position }}}"}`,
      'X tilt | - | cover/tilt/t | cover/tilt/set raw {"min":-90,"max":90}',
    ],
  );
  assert.deepEqual(shown("cover", { set_pos_t: "p", tilt_cmd_t: "t" }), [
    'X position | - | - | p raw {"min":0,"max":100,"values":{"open":100,"close":0}}',
    'X tilt | - | - | t raw {"min":0,"max":100}',
  ]);
  const off = { payload_open: null, payload_close: null, payload_stop: null };
  assert.deepEqual(shown("cover", { stat_t: "s", cmd_t: "c", ...off }), ["X | - | s | -"]);
  assert.deepEqual(shown("valve", { stat_t: "s", cmd_t: "c" }), [
    'X | - | s | c raw {"values":{"open":"OPEN","close":"CLOSE"}}',
  ]);
  assert.deepEqual(shown("valve", { stat_t: "s", cmd_t: "c", pl_open: "1", pl_stop: "S" }), [
    'X | - | s | c raw {"values":{"open":"1","close":"CLOSE","stop":"S"}}',
  ]);
  assert.deepEqual(shown("valve", { stat_t: "s", cmd_t: "c", pos: true, pos_open: 50 }), [
    'X | - | s | c raw {"min":0,"max":50,"values":{"open":50,"close":0}}',
  ]);
  assert.deepEqual(shown("valve", { cmd_t: "c", reports_position: true, payload_stop: "S" }), [
    'X | - | - | c raw {"min":0,"max":100,"values":{"open":100,"close":0}}',
  ]);
});

Deno.test("homeAssistant() tells the functions of vacuums, mowers, updates and trackers", () => {
  const vacuum = { state_topic: "v", command_topic: "v/set" };
  assert.deepEqual(shown("vacuum", vacuum), [
    'X | - | v/state | v/set raw {"values":{"start":"start","stop":"stop","return_home":"return_to_base","clean_spot":"clean_spot"}}',
    "X fan speed | - | v/fan_speed | -",
  ]);
  const more = {
    sup_feat: ["start", "pause", "locate", "return_home", "fan_speed"],
    pl_paus: "halt",
    pl_ret: "home",
    set_fan_spd_t: "v/fan/set",
    fanspd_lst: ["min", "max"],
  };
  assert.deepEqual(shown("vacuum", { ...vacuum, ...more }), [
    'X | - | v/state | v/set raw {"values":{"start":"start","pause":"halt","return_home":"home","locate":"locate"}}',
    'X fan speed | - | v/fan_speed | v/fan/set raw {"options":["min","max"]}',
  ]);
  assert.deepEqual(
    shown("lawn_mower", {
      act_stat_t: "m",
      act_val_tpl: "{{ value_json.a }}",
      strt_mw_cmd_t: "m/start",
      pause_cmd_t: "m/pause",
      pause_mw_cmd_tpl: '{"do":"{{ value }}"}',
      dock_cmd_t: "m/dock",
      stop_cmd_t: "m/stop",
    }),
    [
      "X | - | m/a | -",
      'X start mowing | - | - | m/start raw {"values":{"start_mowing":"start_mowing"}}',
      String
        .raw`X pause | - | - | m/pause raw {"values":{"pause":"pause"},"template":"{\"do\":\"{{ value }}\"}"}`,
      'X dock | - | - | m/dock raw {"values":{"dock":"dock"}}',
      'X stop | - | - | m/stop raw {"values":{"stop":"stop"}}',
    ],
  );
  assert.deepEqual(
    shown("update", { stat_t: "u", cmd_t: "u/set", pl_inst: "go", l_ver_t: "u/new" }),
    ['X | - | u | u/set raw {"values":{"install":"go"}}', "X latest version | - | u/new | -"],
  );
  assert.deepEqual(shown("update", { stat_t: "u", cmd_t: "u/set" }), ["X | - | u | -"]);
  assert.deepEqual(shown("device_tracker", { json_attr_t: "where" }), [
    "X attributes | - | where | -",
  ]);
});

Deno.test("homeAssistant() tells a template of a command that puts one value into a text", () => {
  const templateOf = (command_template: Json) =>
    one("text", { command_topic: "c", command_template }).write;
  const raw = { topic: "c", payload: "raw" };
  for (const plain of ["{{ value }}", "{{value}}", " {{ value }} ", "", " ", null]) {
    assert.deepEqual(templateOf(plain), raw, JSON.stringify(plain));
  }
  const texts = ["x{{ value }}", '{"a": {"b": "{{value}}"}}', "{{ position }}"];
  // What is put in is a number already.
  const numbers = ["{{ value | int }}", '{"t": {{value|float|round(1)}}}', "{{ value | int(0) }}"];
  for (const template of [...texts, ...numbers]) {
    assert.deepEqual(templateOf(template), { ...raw, template }, template);
  }
  // It makes the same payload of each value.
  assert.deepEqual(templateOf('{"do":"it"}'), { ...raw, example: '{"do":"it"}' });
  const others = [
    "{{ value | lower }}",
    "{{ value | int * 2 }}",
    "{{ value | round(x) }}",
    "it{% if value %}s{% endif %}",
    "it{# not #}",
    "it\u202e",
    "x".repeat(201),
    "{{ value }}{{ value }}",
    "{{ a }}{{ b | c }}",
    "{% if value %}{{ value }}{% endif %}",
    "{# x #}{{ value }}",
    "{{ value }}\n{{",
    "{{ value }}\u202e",
    `{{ value }}${"x".repeat(189)}`.padEnd(201, "x"),
  ];
  for (const template of others) assert.deepEqual(templateOf(template), undefined, template);
  const longest = "{{ value }}".padEnd(200, "x");
  assert.deepEqual(templateOf(longest), { ...raw, template: longest });
});
