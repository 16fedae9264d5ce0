package hosts

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxFile bounds what is read: ten thousand hosts are about 3 MB.
const maxFile = 16 << 20

// Text is a hosts file as it was read, not yet looked into.
type Text struct {
	path    string
	data    []byte
	private bool // nobody but its owner can read the file
}

// Read reads the file at path.
func Read(path string) (Text, error) {
	f, err := os.Open(path)
	if err != nil {
		return Text{}, fmt.Errorf("cannot read the hosts file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Text{}, fmt.Errorf("cannot read the hosts file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Text{}, fmt.Errorf("cannot read the hosts file: %w", err)
	}
	return Text{path: path, data: data, private: info.Mode().Perm()&0o077 == 0}, nil
}

// Same reports whether Parse gives the same for both.
func (t Text) Same(o Text) bool {
	return t.path == o.path && t.private == o.private && bytes.Equal(t.data, o.data)
}

// Parse checks the file. A password or passphrase may stand in the file itself
// only when nobody but its owner can read the file.
func (t Text) Parse() (*Set, error) { return parseFile(t.path, t.data, t.private) }

// Load is Read and Parse.
func Load(path string) (*Set, error) {
	t, err := Read(path)
	if err != nil {
		return nil, err
	}
	return t.Parse()
}

// Parse reads data as a hosts file; name stands for it in errors. Who may read
// the data is the caller's business: Load looks at the file's permissions.
func Parse(name string, data []byte) (*Set, error) {
	return parseFile(name, data, true)
}

func parseFile(name string, data []byte, private bool) (*Set, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB: that is not a hosts file", name, maxFile>>20)
	}
	if isUTF16(data) {
		return nil, fmt.Errorf("%s is in UTF-16: save it as UTF-8", name)
	}
	data = Unmarked(data)
	d := &decoder{name: name, private: private, at: map[string]places{}}
	hosts := d.file(data)
	if len(d.errs) > 0 {
		return nil, d.err()
	}
	s := buildSet(hosts, d.problem)
	if len(d.errs) > 0 {
		return nil, d.err()
	}
	return s, nil
}

// expandHome replaces a leading ~ by the home directory of whoever runs the gateway.
func expandHome(path string) string {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return path
	}
	return filepath.Join(home, strings.TrimPrefix(path, "~"))
}
