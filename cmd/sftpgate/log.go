package main

import (
	"io"
	"log/slog"
	"os"
)

// logFlags say what is logged and how.
type logFlags struct {
	LogLevel  string `enum:"debug,info,warn,error" default:"${level}" placeholder:"LEVEL" help:"Minimum log level: debug, info, warn or error. Default ${level}."`
	LogFormat string `enum:"auto,text,json" default:"auto" placeholder:"FORMAT" help:"text, json, or auto: text on a terminal, JSON otherwise."`
}

// logger writes to w as the flags say.
func (f logFlags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		level = slog.LevelInfo // the grammar lets nothing else through
	}
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	if f.LogFormat == "text" || f.LogFormat == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// readable writes durations with their unit; in JSON they would be bare nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// isTerminal takes every character device for a terminal; the other one that
// logs go to is /dev/null, where the form does not matter.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
