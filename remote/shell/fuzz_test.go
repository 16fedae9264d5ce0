package shell

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"sftpgate/remote/remotetest/await"
)

// scripted is a channel whose far end says what it is told to, with NONCE in it
// replaced by ours, and then ends.
type scripted struct {
	says  string
	heard chan string // what came after the script
	rest  io.Reader
	first bool
}

func (s *scripted) Write(b []byte) (int, error) {
	if text := string(b); text != script {
		select {
		case s.heard <- text:
		default:
		}
	}
	return len(b), nil
}

func (s *scripted) Read(b []byte) (int, error) {
	if !s.first {
		s.first = true
		return copy(b, ready+"\n"), nil
	}
	if s.rest == nil {
		nonce, ok := <-s.heard
		if !ok {
			return 0, io.EOF
		}
		s.rest = strings.NewReader(strings.ReplaceAll(s.says, "NONCE", strings.TrimSpace(nonce)))
	}
	return s.rest.Read(b)
}

func (s *scripted) CloseWrite() error { return nil }
func (s *scripted) Close() error      { return nil }
func (s *scripted) Wait() error       { return nil }

// FuzzAnswers: whatever the far end prints, an operation succeeds only by a line
// that begins with our nonce and status 0, and nothing waits for ever.
func FuzzAnswers(f *testing.F) {
	f.Add("noise\nNONCE 0 done\nNONCE 1 no\n")
	f.Add("NONCE 3 \r\n0 forged\n NONCE 0 x\n")
	f.Add("NONCE\nNONCE 99999999999999999999 x\n")
	f.Add("NONCE -0")
	f.Fuzz(func(t *testing.T, says string) {
		if len(says) > 8<<10 {
			return // longer lines come in pieces, which theirs does not know
		}
		s, err := Start(await.Context(t), &scripted{says: says, heard: make(chan string, 1)})
		if err != nil {
			t.Fatal(err)
		}
		ctx := await.Context(t)
		answers := theirs(strings.ReplaceAll(says, "NONCE", s.nonce), s.nonce)
		for i := 0; i < 4; i++ {
			text, err := s.Call(ctx, "op")
			var status *Status
			switch {
			case ctx.Err() != nil:
				t.Fatal("it waits for ever")
			case err == nil || errors.As(err, &status):
				code := 0
				if status != nil {
					code = status.Code
				}
				if i >= len(answers) || answers[i].text != text || answers[i].code != code || status != nil && code == 0 {
					t.Fatalf("answer %d is %q with %d: of %+v", i, text, code, answers)
				}
			default:
				if again, err2 := s.Call(ctx, "op"); err2 == nil || again != "" {
					t.Fatalf("after %v it goes on: %q", err, again)
				}
				return
			}
		}
		_ = s.Close()
	})
}

type answered struct {
	code int
	text string
}

// theirs are the answers in what was said, up to the first that is none.
func theirs(said, nonce string) (all []answered) {
	for line := range strings.Lines(said) {
		whole, ended := strings.CutSuffix(line, "\n")
		rest, ours := strings.CutPrefix(strings.TrimSuffix(whole, "\r"), nonce+" ")
		if !ended { // cut on the way
			return all
		}
		if !ours {
			continue
		}
		code, text, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(code)
		if err != nil {
			return all
		}
		all = append(all, answered{n, text})
	}
	return all
}

// FuzzStat: a process can call itself what it likes, and neither its number, its
// session nor its start can be forged by that (proc(5)).
func FuzzStat(f *testing.F) {
	f.Add("4242 (sh) S 1 4242 4242 0 -1 4194304 100 0 0 0 0 0 0 0 20 0 1 0 777 2797568 200", "sh")
	f.Add("1 ) (", ") S 1 1 1 (")
	f.Fuzz(func(t *testing.T, line, name string) {
		if p, err := ParseStat(line); err == nil && (p.Start == "" || strings.ContainsAny(p.Start, " \t\n")) {
			t.Fatalf("%q is %+v", line, p)
		}
		p, err := ParseStat("4242 (" + name + ") S 7 8 99 0 -1 4194304 100 0 0 0 0 0 0 0 20 0 1 0 777 2797568 200")
		if want := (Process{PID: 4242, Session: 99, Start: "777"}); err != nil || p != want {
			t.Fatalf("%q: %+v, %v", name, p, err)
		}
	})
}
