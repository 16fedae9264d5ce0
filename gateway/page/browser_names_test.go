package page_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sftpgate/gateway/browsertest"
	"sftpgate/remote/remotetest"
)

// markup does something wherever it is not taken for text.
const markup = `<img src=x onerror=document.title='caught'>"'&amp;${1+1}`

// Whatever a file, a directory, a host or a person is called is text in the page.
func TestMarkupInNamesIsText(t *testing.T) {
	t.Parallel()
	s := &site{t: t, host: remotetest.StartSSHD(t, remotetest.SSHDOptions{})}
	one, two := s.host.Host("web-1"), s.host.Host("web-2")
	one.Label, one.Bandwidth, two.Label = markup, slow, "other"
	s.gate = browsertest.Serve(t, nil, one, two)
	s.url = s.gate.URL() + "/"

	o := desktop()
	o.Headers["X-User"] = markup
	dir := filepath.Join(s.host.Root, markup)
	if err := os.MkdirAll(filepath.Join(dir, markup), 0o755); err != nil {
		t.Fatal(err)
	}
	w := browsertest.Shared(t).Window(t, o, "")
	v := &visit{t: t, window: w, dir: dir, Page: w.Open(t, s.url, nil)}
	v.inert(".who")
	v.inert("sg-host-picker [role=option]")
	v.whole()
	v.Fill("#host-search", "<img")
	v.Press("Enter")
	v.inert("#host-choice")
	v.Fill("#directory", dir)
	v.See("sftpgate-upload:not([disabled])")
	v.inert("#send")
	v.Click(button("Browse"))
	v.inert("sg-browser .crumbs")
	v.inert("sg-browser .folder")
	v.whole()

	small, large := source(t, "a"+markup, 10), endless(t, "b"+markup)
	v.put(filepath.Base(small), "old")
	v.send(small)
	v.inert(dialog)
	v.Click(dialog + " " + button("Replace"))
	v.inert("sftpgate-upload li.done .results")
	v.send(large)
	v.inert("sftpgate-upload li.sending .name")
	v.whole("status of 409")
	v.Reload()
	v.inert("sg-upload-row .path")
	v.inert("sg-finished .path")
	v.whole("status of 409", away)
	v.arrived(small)
}

// inert: the name is shown there as it is written.
func (v *visit) inert(selector string) {
	v.t.Helper()
	v.See(selector)
	if text := v.Text(selector); !strings.Contains(text, markup) {
		v.t.Errorf("%s: the name is not in %q", selector, text)
	}
	var title string
	if v.Evaluate("document.title", &title); title == "caught" {
		v.t.Fatalf("%s: the name was executed", selector)
	}
	if n := v.Count("img[src=x]"); n > 0 {
		v.t.Errorf("%s: %d images", selector, n)
	}
}

// The page speaks the browser's language where it can, the other one after a click, and
// remembers that.
func TestLanguages(t *testing.T) {
	t.Parallel()
	s := serve(t, slow)
	o := desktop()
	o.Locale = "zh-CN"
	v := s.visit(o)
	v.See(button("选择文件"))
	v.put("a.txt", "old")
	v.PickByClick(button("选择文件"), source(t, "a.txt", 10), endless(t, "disk.img"))
	v.See(dialog + " " + button("替换"))
	v.chinese()
	v.Click(dialog + " " + button("稍后决定"))
	v.See(row("a.txt", "failed") + `:has-text("已保留原文件")`)
	v.is("a.txt", "old")
	v.chinese()
	v.Click(labelled("重试: a.txt"))
	v.Click(dialog + " " + button("跳过"))
	v.See(row("a.txt", "skipped"))
	v.See(row("disk.img", "sending"))
	v.chinese()
	v.Click(labelled("取消: disk.img"))
	v.See(row("disk.img", "cancelled"))
	v.chinese()

	v.Click(button("English"))
	v.See(button("Choose files"))
	v.Reload()
	v.See(button("Choose files"))
	if lang := v.Attribute("html", "lang"); lang != "en" {
		t.Errorf("the page is in %q", lang)
	}
	if text := v.Text("main"); strings.ContainsFunc(text, han) {
		t.Errorf("Chinese in the English page:\n%s", text)
	}
	v.whole("status of 409", away)
}

// chinese: the page says nothing in English, but for commands and names, and is whole.
func (v *visit) chinese() {
	v.t.Helper()
	for _, english := range []string{"Choose", "Send", "Waiting", "Done", "files", "Pause", "Cancel", "Skipped", "Directory", "Browse", "Missing", "free"} {
		if v.Count(`body >> text=/\b`+english+`\b/ >> visible=true`) > 0 {
			v.t.Errorf("%q is in the Chinese page", english)
		}
	}
	if lang := v.Attribute("html", "lang"); lang != "zh-CN" {
		v.t.Errorf("the page is in %q", lang)
	}
	v.whole("status of 409", away)
}

func han(r rune) bool { return r >= 0x4e00 && r < 0xa000 && !strings.ContainsRune("中文", r) }
