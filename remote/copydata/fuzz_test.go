package copydata

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzAnswer: whatever a server sends is an answer of bounded size or an error,
// and each reading of it keeps what it promises.
func FuzzAnswer(f *testing.F) {
	f.Add(request{typeVersion}.appendTo(nil, 3))
	f.Add(request{typeHandle}.string("h").appendTo(nil, 1))
	f.Add(request{typeData}.string("abc").appendTo(nil, 1))
	f.Add(request{typeAttrs}.uint32(attrSize).uint64(3).appendTo(nil, 1))
	f.Add(request{typeStatus}.uint32(codeEOF).string("End of file").string("").appendTo(nil, 1))
	f.Fuzz(func(t *testing.T, sent []byte) {
		a, err := readAnswer(bytes.NewReader(sent))
		if err != nil {
			return
		}
		if len(a.body)+5 > maxAnswer || !bytes.Equal(append(request{a.kind}, a.body...).appendTo(nil, a.id), sent[:len(a.body)+9]) {
			t.Fatal("the packet is not what was sent")
		}
		h, err := a.handle()
		if err == nil && (a.kind != typeHandle || h == "" || len(h) > maxHandle) {
			t.Errorf("handle %q", h)
		}
		b, err := a.data(10)
		if err == nil && len(b) > 10 || err == nil && a.kind != typeData && (a.kind != typeStatus || b != nil) {
			t.Errorf("data %q", b)
		}
		size, err := a.size()
		if err == nil && (size < 0 || a.kind != typeAttrs) {
			t.Errorf("size %d", size)
		}
		var refused *StatusError
		switch err := a.status(); {
		case err == nil:
			if a.kind != typeStatus {
				t.Error("success of no status")
			}
		case errors.As(err, &refused):
			if refused.Code == codeOK || len(refused.Msg) > maxMessage {
				t.Errorf("%+v", refused)
			}
		case !errors.Is(err, errAnswer):
			t.Error(err)
		}
	})
}
