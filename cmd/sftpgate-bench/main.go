package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// flags are the command line. They are taken with one dash or two.
type flags struct {
	Quick    bool   `help:"The same shapes in small, in under 90 seconds: for daily use, not for the record."`
	Rounds   int    `placeholder:"N" help:"How often everybody takes a turn. Default 3, with --quick 1."`
	Rows     string `placeholder:"REGEXP" help:"Only the rows whose whole name matches, as 'chunks|far-.*'."`
	List     bool   `help:"Print the rows and what they are, and end."`
	Gateway  string `default:"bin/sftpgate" placeholder:"FILE" help:"The sftpgate to measure. Default ${default}."`
	Dir      string `placeholder:"DIR" help:"Where source and target lie, on the disk that is meant. Default: the system's directory for temporary files. One in memory (/dev/shm) shows what is left when syncing costs nothing."`
	JSON     string `name:"json" default:"bench.json" placeholder:"FILE" help:"Where the figures go; nothing for nowhere. Default ${default}."`
	SVG      string `name:"svg" placeholder:"FILE" help:"Where a chart of the ratios goes."`
	Profiles string `placeholder:"DIR" help:"Take a CPU profile of the gateway in each of its turns and put it there. Needs a gateway with --pprof."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// Run is one run of the command. The exit status is 0, 1 for a failure, 2 for a
// command line that makes no sense. A floor that is not reached is no failure.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var f flags
	left := -1
	parser, err := kong.New(&f, kong.Name("sftpgate-bench"), kong.Writers(stdout, stderr),
		kong.Description("How fast the gateway is, beside scp, sftp and rclone."),
		kong.Exit(func(status int) { left = status }))
	if err != nil { // the grammar above is wrong
		panic(err)
	}
	_, err = parser.Parse(twoDashes(args))
	if left >= 0 {
		return left
	}
	var plan plan
	if err == nil {
		plan, err = f.plan()
	}
	if err != nil {
		fmt.Fprintf(stderr, "sftpgate-bench: %v\nTry: sftpgate-bench --help\n", err)
		return 2
	}
	if f.List {
		list(stdout, plan.rows)
		return 0
	}
	if err := f.measure(ctx, plan, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "sftpgate-bench: %v\n", err)
		return 1
	}
	return 0
}

// twoDashes lets -quick be written for --quick; there are no flags of one letter.
func twoDashes(args []string) []string {
	var out []string
	for _, a := range args {
		if strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && len(a) > 2 {
			a = "-" + a
		}
		out = append(out, a)
	}
	return out
}

// plan is what a run is going to do.
type plan struct {
	size   sizes
	rows   []row
	rounds int
}

func (f *flags) plan() (plan, error) {
	p := plan{size: full, rounds: f.Rounds}
	if f.Quick {
		p.size = quick
	}
	switch {
	case f.Rounds < 0:
		return p, fmt.Errorf("--rounds must be at least 1, not %d", f.Rounds)
	case f.Rounds == 0 && f.Quick:
		p.rounds = 1
	case f.Rounds == 0:
		p.rounds = 3
	}
	wanted, err := regexp.Compile("^(?:" + f.Rows + ")$")
	if err != nil {
		return p, fmt.Errorf("--rows: %w", err)
	}
	for _, r := range allRows(p.size) {
		if f.Rows == "" || wanted.MatchString(r.name) {
			p.rows = append(p.rows, r)
		}
	}
	if len(p.rows) == 0 {
		return p, fmt.Errorf("no row is called %s; --list names them", f.Rows)
	}
	return p, nil
}

// measure runs the plan on a site of its own and reports.
func (f *flags) measure(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	s, err := build(ctx, f.Gateway, f.Dir, f.Profiles, p.size.oneWay)
	if err != nil {
		return err
	}
	defer s.close()
	m := describe(ctx, s.dir, p.size)
	m.print(stdout)
	all, failed := everything(ctx, s, p, stderr)
	if ctx.Err() != nil {
		return errors.New("stopped before it was over; nothing is written")
	}
	r := reportOf(m, p, all, failed, args(f))
	r.print(stdout)
	if err := r.save(f.JSON, f.SVG, stdout); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of the turns failed, as said above", len(failed))
	}
	return nil
}

// args says how to repeat a run.
func args(f *flags) string {
	line := "make bench"
	var more []string
	if f.Quick {
		more = append(more, "-quick")
	}
	if f.Rounds > 0 {
		more = append(more, fmt.Sprintf("-rounds %d", f.Rounds))
	}
	if f.Rows != "" {
		more = append(more, fmt.Sprintf("-rows '%s'", f.Rows))
	}
	if len(more) == 0 {
		return line
	}
	return line + ` BENCH="` + strings.Join(more, " ") + `"`
}
