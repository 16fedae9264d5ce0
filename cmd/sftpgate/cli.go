package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/alecthomas/kong"

	"sftpgate/gateway/limit"
)

// The exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands is the command line.
type commands struct {
	Serve   serveCmd   `cmd:"" set:"level=info" help:"Run the gateway for the hosts in hosts.yaml."`
	Demo    demoCmd    `cmd:"" set:"level=warn" help:"Try it: run a gateway with a built-in host. Needs no setup."`
	Put     putCmd     `cmd:"" help:"Send files to hosts by way of a gateway. If it is interrupted, run the same command again."`
	Uploads uploadsCmd `cmd:"" help:"List, show, resume and cancel uploads of a gateway."`
	Hosts   hostsCmd   `cmd:"" help:"List the hosts of a gateway, or check those in hosts.yaml."`
	Version versionCmd `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" short:"v" env:"-" help:"Print the version."`
}

type hostsCmd struct {
	Ls    hostsListCmd `cmd:"" help:"List the hosts that you may send to by way of a gateway."`
	Check checkCmd     `cmd:"" help:"Connect to every host and print what works, what was chosen and what to fix."`
}

// console is what a command may write to.
type console struct {
	out io.Writer // what was asked for
	err io.Writer // logs and errors
}

// errFailed ends a command that has already said what is wrong.
var errFailed = errors.New("failed")

// Run runs one command line, without the program's name, until it is done or
// ctx ends, and returns the exit status. The end of ctx is a wish to stop in
// good order.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	left := -1 // the status that --help leaves with
	parser, err := kong.New(&c,
		kong.Name("sftpgate"),
		kong.Description("Resumable, chunked HTTP uploads to machines behind SSH."),
		kong.DefaultEnvars("SFTPGATE"),
		kong.Vars{"version": versionLine(), "listen": defaultListen, "bodies": strconv.Itoa(limit.DefaultBodies)},
		lengthsOfTime(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { left = status }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil { // the grammar above is wrong
		panic(err)
	}
	if len(args) > 0 && args[0] == "help" { // as in "help serve"
		args = append(slices.Clone(args[1:]), "--help")
	}
	parsed, err := parser.Parse(args)
	if left >= 0 {
		return left
	}
	if err != nil {
		fmt.Fprintf(stderr, "sftpgate: %s\n%s", inPlainWords(err), hintFor(err))
		return exitUsage
	}
	switch err := parsed.Run(console{stdout, stderr}); {
	case err == nil:
		return exitOK
	case errors.Is(err, errFailed):
		return exitFailed
	default:
		var ended *statusError
		if errors.As(err, &ended) {
			if ended.text != "" {
				fmt.Fprintf(stderr, "sftpgate: %s\n", ended.text)
			}
			return ended.status
		}
		fmt.Fprintf(stderr, "sftpgate: %v\n", err)
		var wrong *usageError
		if errors.As(err, &wrong) {
			return exitUsage
		}
		return exitFailed
	}
}

// hintFor names the help that belongs to the command at fault.
func hintFor(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			return fmt.Sprintf("Try: %s --help\n", node.FullPath())
		}
	}
	return "Try: sftpgate --help\n"
}

// usageError is a combination of flags that makes no sense.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func misused(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}
