// mochi-mqtt on the address of the first argument, where nobody may read or write the topic of the
// second.
package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

type rules struct {
	mqtt.HookBase
	prohibited string
}

func (r *rules) ID() string { return "rules" }

func (r *rules) Provides(hook byte) bool {
	return hook == mqtt.OnConnectAuthenticate || hook == mqtt.OnACLCheck
}

func (r *rules) OnConnectAuthenticate(*mqtt.Client, packets.Packet) bool { return true }

func (r *rules) OnACLCheck(_ *mqtt.Client, topic string, _ bool) bool {
	return topic != r.prohibited
}

func main() {
	server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	check(server.AddHook(&rules{prohibited: os.Args[2]}, nil))
	check(server.AddListener(listeners.NewTCP(listeners.Config{ID: "tcp", Address: os.Args[1]})))
	check(server.Serve())
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	<-ended
	check(server.Close())
}

func check(err error) {
	if err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}
