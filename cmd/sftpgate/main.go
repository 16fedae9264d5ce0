package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// garbage is how much of what is in use may be added as garbage before it is
// collected, in percent; Go's own is 100. What is in use is blocks on their way to a
// host, which are used again and again, so that collecting is rare all the same: with
// 100 an upload of 4 GiB took 42 MiB in place of 36 with 30, and no less of the
// processor (measured). GOGC, where it is set, counts.
const garbage = 25

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals // who asks twice does not want to wait
		os.Exit(exitFailed)
	}()
	os.Exit(Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
