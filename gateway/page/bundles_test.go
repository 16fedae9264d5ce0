package page_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Page and client are built from TypeScript, and what is built is committed: it is what
// their sources make.
func TestBundlesAreWhatTheirSourcesMake(t *testing.T) {
	t.Parallel()
	for dir, files := range map[string][]string{"client": {"sftpgate.js", "sftpgate.d.ts"}, "app": {"page.js"}} {
		t.Run(dir+" checked", func(t *testing.T) {
			t.Parallel()
			npm(t, dir, "run", "--silent", "check")
		})
		t.Run(dir+" built", func(t *testing.T) {
			t.Parallel()
			away := filepath.Join(t.TempDir(), dir)
			copyOf(t, dir, away)
			npm(t, away, "run", "--silent", "build")
			for _, file := range files {
				if read(t, filepath.Join(dir, "dist", file)) != read(t, filepath.Join(away, "dist", file)) {
					t.Errorf("%s/dist/%s is not what its sources make: npm run build there, and commit it with them", dir, file)
				}
			}
		})
	}
}

// What a panel loads is small.
func TestClientIsSmall(t *testing.T) {
	t.Parallel()
	packed, err := exec.Command("gzip", "-9", "-n", "-c", "client/dist/sftpgate.js").Output()
	if n := len(packed); err != nil || n > 20_000 {
		t.Errorf("it has %d bytes, %v", n, err)
	}
}

// Who uses the client in TypeScript gets its types, under strict rules.
func TestClientTypes(t *testing.T) {
	t.Parallel()
	away := t.TempDir()
	copyOf(t, "client", filepath.Join(away, "node_modules/sftpgate"))
	user := `import { GateError, Upload, type SftpgateUpload } from "sftpgate";
const element: SftpgateUpload = document.querySelector("sftpgate-upload")!;
element.addEventListener("upload-success", (e: Event) => e.preventDefault());
const upload = new Upload({ endpoint: "/gate/", host: "web-1", dir: "/srv/files", file: new File([], "x"), ticket: async () => "t" });
upload.start().then((u) => u.path.length + u.received_bytes, (e: unknown) => e instanceof GateError && e.code === "no-space");
`
	rewrite(t, filepath.Join(away, "user.ts"), user)
	run(t, away, filepath.Join(abs(t, "client"), "node_modules/.bin/tsc"), "--noEmit", "--skipDefaultLibCheck", "--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes",
		"--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom,dom.iterable", "user.ts")
}

// npm packs what the client is, and nothing else.
func TestClientPackage(t *testing.T) {
	t.Parallel()
	var packed []struct{ Files []struct{ Path string } }
	if err := json.Unmarshal(npm(t, "client", "pack", "--dry-run", "--json", "--ignore-scripts"), &packed); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range packed[0].Files {
		files = append(files, f.Path)
	}
	slices.Sort(files)
	if want := []string{"LICENSE", "README.md", "dist/sftpgate.d.ts", "dist/sftpgate.js", "package.json"}; !slices.Equal(files, want) {
		t.Errorf("npm packs %q", files)
	}
}

// copyOf copies a directory without what is installed or built there; that is linked.
func copyOf(t *testing.T, dir, to string) {
	t.Helper()
	root := abs(t, dir)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		at := filepath.Join(to, rel)
		switch {
		case e.Name() == "node_modules":
			if err := os.Symlink(path, at); err != nil {
				return err
			}
			return fs.SkipDir
		case e.IsDir():
			return os.MkdirAll(at, 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(at, b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func abs(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func npm(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	return run(t, dir, "npm", args...)
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	cmd.Env = append(os.Environ(), "npm_config_update_notifier=false", "npm_config_offline=true")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out.String(), errs.String())
	}
	return out.Bytes()
}
