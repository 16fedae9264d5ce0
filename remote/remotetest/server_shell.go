package remotetest

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// shellBlocks is in how many blocks its cat copies a file, so that a power cut
// finds chunks that are copied in part.
const shellBlocks = 3

// shellServer stands for a shell that runs the script of package shell on the
// disk. A real one cannot be cut off from its disk and shown what was synced of
// it; what it does otherwise is for the tests with a real sshd.
type shellServer struct {
	*server
	pid    int
	halted bool
}

// shellParams is how many lines follow each operation that it knows.
var shellParams = map[string]int{"copy": 4, "sizes": 4, "resume": 0, "who": 0, "gone": 3, "hash": 2, "see": 1, "guard": 2, "follow": 3, "keep": 2, "clone": 2, "acl": 1}

// run answers until the input ends.
func (s *shellServer) run() error {
	time.Sleep(s.options.ShellTakes)
	in := bufio.NewScanner(s.in)
	for in.Scan() && in.Text() != "main" { // the script's last line
	}
	fmt.Fprintf(s.out, "\nsftpgate-shell 0 ready\n")
	in.Scan()
	nonce := in.Text()
	for in.Scan() {
		op := in.Text()
		params := make([]string, shellParams[op])
		for i := range params {
			in.Scan()
			params[i] = in.Text()
		}
		status, text := s.do(op, params)
		fmt.Fprintf(s.out, "%s %d %s\n", nonce, status, text)
	}
	return in.Err()
}

func (s *shellServer) do(op string, p []string) (status int, text string) {
	switch op {
	case "end":
		return 0, ""
	case "see":
		b, err := s.disk.ReadFile(p[0])
		return failed(err), strings.TrimSuffix(string(b), "\n")
	case "hash":
		b, err := s.disk.ReadFile(p[1])
		if p[0] != "sha256sum" {
			err = syscall.ENOENT
		}
		return failed(err), fmt.Sprintf("%x", sha256.Sum256(b))
	case "who": // the fields behind the command name; session and start time are looked at
		return 0, fmt.Sprintf("%d boot-%p S 1 %d %d%s", s.pid, s.disk, s.pid, s.pid, strings.Repeat(" 7", 20))
	case "gone":
		if p[2] != fmt.Sprintf("boot-%p", s.disk) {
			return 0, "" // the power was cut since
		}
		return 2, ""
	case "acl":
		return 0, "" // the disk has none
	case "resume":
		s.halted = false
		return 0, ""
	case "sizes":
		return s.sizes(p[0], p[1], p[2], p[3])
	case "copy":
		if s.halted {
			return 1, "halted"
		}
		off, _ := strconv.ParseInt(p[3], 10, 64)
		return failed(s.copy(p[0], p[1], off)), ""
	}
	return 1, "" // what this host cannot do
}

func (s *shellServer) sizes(source, part, length, least string) (status int, text string) {
	a, err := s.disk.Lookup(source)
	b, berr := s.disk.Lookup(part)
	if err != nil || berr != nil {
		s.halted = true
		return 1, ""
	}
	want, _ := strconv.ParseInt(length, 10, 64)
	end, _ := strconv.ParseInt(least, 10, 64)
	s.halted = s.halted || a.Size != want || b.Size < end
	return 0, fmt.Sprintf("%d %d", a.Size, b.Size)
}

// copy writes source into part block by block, as dd and cat do.
func (s *shellServer) copy(source, part string, off int64) error {
	content, err := s.disk.ReadFile(source)
	if err != nil {
		return err
	}
	op := s.op(Open, part)
	node, err := s.disk.open(&op, fxfWrite)
	if err != nil {
		return err
	}
	defer s.disk.close(node)
	h := &handle{node: node, path: part, flags: fxfWrite}
	block := len(content)/shellBlocks + 1
	for len(content) > 0 {
		n := min(len(content), block)
		write := s.onHandle(Write, h)
		write.Off, write.Len, write.Data = off, int64(n), content[:n]
		if err := s.gate(write); err != nil {
			return err
		}
		if err := s.writeAt(h, write); err != nil {
			return err
		}
		content, off = content[n:], off+int64(n)
	}
	return nil
}

func failed(err error) int {
	if err != nil {
		return 1
	}
	return 0
}
