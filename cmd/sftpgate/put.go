package main

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"sftpgate/gateway/client"
)

// putCmd sends files to hosts by way of a gateway.
type putCmd struct {
	Args []string `arg:"" name:"file … host:/dir/" help:"Files to send, or - for standard input, and last the target: HOST:/dir/ for a directory, HOST:/path/name for one file, HOST,HOST:/dir/ for several hosts, one after the other."`

	Recursive bool          `short:"r" help:"Send folders with all files in them, and make the directories they need. Empty folders are left out; links to folders are not followed."`
	Name      string        `placeholder:"NAME" help:"The name of a single file, or of standard input, in the target directory."`
	IfExists  string        `enum:"fail,replace,skip,newer" default:"fail" placeholder:"WHAT" help:"If the target exists: fail, replace it, skip the file, or replace it if the local file is newer. newer compares the times as the gateway tells them, so use it with --preserve, and replaces only the file it compared. Default fail."`
	Mode      string        `placeholder:"OCTAL" help:"Permission bits of the target, such as 0640."`
	Preserve  bool          `short:"p" help:"Keep the files' modification times and permission bits."`
	MakeDirs  bool          `help:"Create missing directories below the host's root."`
	Restart   bool          `help:"Discard your own unfinished uploads to these targets instead of resuming them."`
	Checksum  bool          `help:"Declare each file's SHA-256: the whole file on the host is checked before it appears. Reads each file once more. Without it each chunk is checked on arrival."`
	Parallel  int           `default:"8" placeholder:"N" help:"Chunks, or small files, sent at once. Default 8."`
	ChunkSize byteSize      `default:"8MiB" placeholder:"SIZE" help:"Size of a chunk. A resumed upload keeps its own. Default 8MiB."`
	Bwlimit   byteSize      `placeholder:"SIZE" help:"Bytes per second to send at most, such as 10MiB. Default: no limit."`
	RetryFor  time.Duration `default:"10m" placeholder:"TIME" help:"How long to try again temporary failures, such as a gateway that restarts, while nothing succeeds. 0s: not at all. Default 10m."`
	DryRun    bool          `short:"n" help:"Print what would happen, as the directories look now, and send nothing."`
	Quiet     bool          `short:"q" help:"Print errors only."`
	JSON      bool          `name:"json" help:"Print events as JSON on standard output, one a line."`

	gateFlags
}

// Run sends the files. The end of ctx stops it; what was acknowledged stays.
func (c putCmd) Run(ctx context.Context, parsed *kong.Context, to console) error {
	target, files, err := c.plan()
	if err != nil {
		return err
	}
	s := &sending{putCmd: c, tell: c.teller(to, files, len(target.hosts)), in: os.Stdin, pace: client.NewPace(int64(c.Bwlimit))}
	if s.gate, err = c.connect(client.Options{Connections: c.Parallel, RetryFor: c.RetryFor, Waits: s.waits}); err != nil {
		return err
	}
	defer s.gate.Close()
	work := s.toHost
	if c.DryRun {
		work = s.dryRun
	}
	for _, host := range target.hosts {
		if ctx.Err() == nil {
			work(ctx, host, files)
		}
	}
	s.tell.close(s.outcomes)
	return s.conclude(ctx, parsed.Args, len(files)*len(target.hosts))
}

var octal = regexp.MustCompile(`^0*[0-7]{1,3}$`)

// plan checks the command line, and finds the files.
func (c putCmd) plan() (to destination, files []source, err error) {
	switch {
	case len(c.Args) < 2:
		return to, nil, misused("name at least one file and the target, as in: sftpgate put report.pdf web-1:/srv/files/")
	case c.Mode != "" && !octal.MatchString(c.Mode):
		return to, nil, misused("--mode %s is not a mode: write permission bits in octal, such as 0640", strconv.Quote(c.Mode))
	case c.Parallel < 1 || c.Parallel > 256:
		return to, nil, misused("--parallel must be from 1 to 256, not %d", c.Parallel)
	case c.ChunkSize < 1<<16 || c.ChunkSize > 1<<30:
		return to, nil, misused("--chunk-size must be from 64KiB to 1GiB")
	case c.Bwlimit < 0:
		return to, nil, misused("--bwlimit must not be negative")
	case c.RetryFor < 0:
		return to, nil, misused("--retry-for must not be negative")
	}
	if to, err = parseDestination(c.Args[len(c.Args)-1]); err != nil {
		return to, nil, err
	}
	files, err = c.gather(c.Args[:len(c.Args)-1], to)
	return to, files, err
}
