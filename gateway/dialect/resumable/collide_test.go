package resumable_test

import (
	"os"
	"path/filepath"
	"testing"

	"sftpgate/gateway/dialect/resumable"
	"sftpgate/gateway/dialecttest"
)

// The libraries make an identifier of the size and the name without all that is not a
// letter or a digit. Files that share it stay two.
func TestFilesThatShareAnIdentifier(t *testing.T) {
	s := dialecttest.Start(t, resumable.Routes)
	files := map[string][]byte{"a.jpg": dialecttest.Noise(3000, 1), "a*(.jpg": dialecttest.Noise(3000, 2)}
	for library, l := range libraries {
		t.Run(library, func(t *testing.T) {
			if err := os.Mkdir(filepath.Join(s.Root, library), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, most := range []int{2, 0} { // both begun before either is done
				for name, content := range files {
					u := s.Upload("/resumable", name, content)
					u.Endpoint, u.Most = u.Endpoint+"/"+library, most
					if a := l.send(t, u); a.Status != 200 {
						t.Fatalf("%s: %d %s", name, a.Status, a.Text)
					}
				}
			}
			for name, content := range files {
				s.Wants(t, filepath.Join(library, name), content)
			}
		})
	}
}
