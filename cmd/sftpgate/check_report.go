package main

import (
	"fmt"
	"io"
	"slices"

	"sftpgate/gateway/web"
	"sftpgate/remote/hosts"
)

// report is what was found out about one host.
type report struct {
	host     hosts.Host
	findings []finding
}

type finding struct {
	grade string // ok, warn, FAIL
	about string
	text  string
}

const failed = "FAIL"

func (r *report) good(about, format string, args ...any) { r.add("ok", about, format, args) }

// warn is for what works less well than it could.
func (r *report) warn(about, format string, args ...any) { r.add("warn", about, format, args) }

// fail is for what keeps uploads from working; its text says how to mend it.
func (r *report) fail(about, format string, args ...any) { r.add(failed, about, format, args) }

func (r *report) add(grade, about, format string, args []any) {
	r.findings = append(r.findings, finding{grade, about, fmt.Sprintf(format, args...)})
}

func (r *report) broken() bool {
	return slices.ContainsFunc(r.findings, func(f finding) bool { return f.grade == failed })
}

// print writes the report for a person. What came from the host may hold
// anything and is made harmless to a terminal.
func (r *report) print(to io.Writer) {
	via := ""
	if r.host.Jump != "" {
		via = ", through " + r.host.Jump
	}
	fmt.Fprintf(to, "%s  %s@%s%s\n", r.host.ID, r.host.User, r.host.Addr(), via)
	width := 0
	for _, f := range r.findings {
		width = max(width, len(f.about))
	}
	for _, f := range r.findings {
		fmt.Fprintf(to, "  %-4s  %-*s  %s\n", f.grade, width, web.Inert(f.about), web.Inert(f.text))
	}
	fmt.Fprintln(to)
}
