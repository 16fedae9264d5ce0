package resumable_test

import (
	"testing"

	"sftpgate/gateway/dialect/resumable"
	"sftpgate/gateway/dialecttest"
)

// The libraries make an identifier of the size and the name without all that is not a
// letter or a digit. Files that share it stay two.
func TestFilesThatShareAnIdentifier(t *testing.T) {
	s := dialecttest.Start(t, resumable.Routes)
	one, two := make([]byte, 3000), make([]byte, 3000)
	for i := range two {
		two[i] = byte(i)
	}
	files := map[string][]byte{"a.jpg": one, "a*(.jpg": two}
	l := libraries["resumable"]
	for _, most := range []int{2, 0} { // both begun before either is done
		for name, content := range files {
			a := l.send(t, dialecttest.Upload{Endpoint: s.URL + "/resumable/web-1" + s.Root, User: "alice", Name: name, Content: content, Chunk: 1000, Most: most})
			if a.Status != 200 {
				t.Fatalf("%s: %d %s", name, a.Status, a.Text)
			}
		}
	}
	for name, content := range files {
		s.Wants(t, name, content)
	}
}
