import assert from "node:assert/strict";
import { type Config, entitiesOf, shown } from "./discovery.ts";

Deno.test("homeAssistant() tells the functions of lights", () => {
  assert.deepEqual(
    shown("light", {
      stat_t: "l/on",
      stat_val_tpl: "{{ value_json.s }}",
      cmd_t: "l/on/set",
      payload_off: "out",
      bri_stat_t: "l/bri",
      bri_val_tpl: "{{ value_json.b }}",
      bri_cmd_t: "l/bri/set",
      bri_scl: 100,
      clr_temp_cmd_t: "l/ct/set",
      clr_temp_stat_t: "l/ct",
      min_mirs: 153,
      max_mirs: 500,
      fx_cmd_t: "l/fx/set",
      fx_list: "rainbow",
      rgb_cmd_t: "l/rgb/set",
      rgb_cmd_tpl: "{{ red }},{{ green }},{{ blue }}",
      rgbw_cmd_t: "l/rgbw/set",
      rgbww_cmd_t: "l/rgbww/set",
      hs_cmd_t: "l/hs/set",
      xy_cmd_t: "l/xy/set",
      whit_cmd_t: "l/white/set",
    }),
    [
      'X | - | l/on/s | l/on/set raw {"values":{"on":"ON","off":"out"}}',
      'X brightness | - | l/bri/b | l/bri/set raw {"min":0,"max":100}',
      'X color temperature | mired | l/ct | l/ct/set raw {"min":153,"max":500}',
      'X effect | - | - | l/fx/set raw {"options":["rainbow"]}',
      "X rgb | - | - | -",
      'X rgbw | - | - | l/rgbw/set raw {"example":"255,128,0,0"}',
      'X rgbww | - | - | l/rgbww/set raw {"example":"255,128,0,0,0"}',
      'X hs | - | - | l/hs/set raw {"example":"30,100"}',
      'X xy | - | - | l/xy/set raw {"example":"0.5,0.4"}',
      'X white | - | - | l/white/set raw {"min":0,"max":255}',
    ],
  );
  // It is turned on by its brightness alone.
  assert.deepEqual(shown("light", { cmd_t: "l", bri_cmd_t: "b", on_cmd_type: "brightness" }), [
    'X | - | - | l raw {"values":{"off":"OFF"}}',
    'X brightness | - | - | b raw {"min":0,"max":255}',
  ]);
  const kelvin = { clr_temp_cmd_t: "c", clr_temp_k: true, min_k: 2000, max_k: 6500, min_mirs: 1 };
  assert.deepEqual(shown("light", { cmd_t: "on", ...kelvin }).slice(1), [
    'X color temperature | K | - | c raw {"min":2000,"max":6500}',
  ]);
  const json = { schema: "json", stat_t: "l", cmd_t: "l/set" };
  assert.deepEqual(shown("light", json), [
    'X | - | l/state | l/set json {"values":{"on":{"state":"ON"},"off":{"state":"OFF"}}}',
  ]);
  assert.deepEqual(
    shown("light", { ...json, sup_clrm: ["hs", "xy"], bri_scl: 99, fx_list: ["a"] }).slice(1),
    [
      'X brightness | - | l/brightness | l/set json {"min":0,"max":99,"example":{"state":"ON","brightness":50}}',
      'X color | - | l/color | l/set json {"example":{"state":"ON","color":{"h":30,"s":100}}}',
    ],
  );
  assert.equal(shown("light", { ...json, sup_clrm: ["onoff"] }).length, 1);
  assert.equal(shown("light", { ...json, brightness: true }).length, 2);
  assert.deepEqual(
    shown("light", { ...json, sup_clrm: ["color_temp"], clr_temp_k: true, min_k: 2200 }).slice(2),
    [
      'X color temperature | K | l/color_temp | l/set json {"min":2200,"example":{"state":"ON","color_temp":2200}}',
    ],
  );
  const temperature = (config: Config) =>
    entitiesOf("light", { ...json, sup_clrm: ["color_temp"], ...config })[2]?.writes?.[0]?.example;
  assert.deepEqual(temperature({}), { state: "ON", color_temp: 370 });
  assert.deepEqual(temperature({ clr_temp_k: true }), { state: "ON", color_temp: 2_700 });
  const colors = {
    rgb: { r: 255, g: 128, b: 0 },
    rgbw: { r: 255, g: 128, b: 0, w: 0 },
    rgbww: { r: 255, g: 128, b: 0, c: 0, w: 0 },
    xy: { x: 0.5, y: 0.4 },
    hs: { h: 30, s: 100 },
  };
  for (const [mode, color] of Object.entries(colors)) {
    const [, , { read, writes } = assert.fail()] = entitiesOf("light", {
      ...json,
      sup_clrm: ["white", mode],
    });
    assert.equal(read?.path, "/color", mode);
    assert.deepEqual(writes?.[0]?.example, { state: "ON", color });
  }
  assert.deepEqual(shown("light", { rgb_cmd_t: "c", whit_cmd_t: "w", whit_scl: 100 }), [
    'X rgb | - | - | c raw {"example":"255,128,0"}',
    'X white | - | - | w raw {"min":0,"max":100}',
  ]);
  assert.deepEqual(
    shown("light", { schema: "template", cmd_t: "c", stat_t: "s", stat_tpl: "{{ value_json.s }}" }),
    ["X | - | s/s | -"],
  );
  // Of its two templates those that put nothing in are payloads.
  const template = { schema: "template", cmd_t: "c", cmd_on_tpl: "on,{{ brightness }}" };
  assert.deepEqual(shown("light", { ...template, cmd_off_tpl: "off" }), [
    'X | - | - | c raw {"values":{"off":"off"}}',
  ]);
  assert.deepEqual(shown("light", { ...template, cmd_on_tpl: "on", cmd_off_tpl: "{% off %}" }), [
    'X | - | - | c raw {"values":{"on":"on"}}',
  ]);
});
