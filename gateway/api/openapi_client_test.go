package api_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sftpgate/gateway/web"
)

// tool runs one of the packages in apitest, in dir.
func tool(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	bin, err := filepath.Abs(filepath.Join("apitest", "node_modules", ".bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("%s is not installed, which reads the API's description: make parts installs it: %v", name, err)
	}
	run(t, dir, bin, args...)
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, out)
	}
}

func TestDescriptionIsLinted(t *testing.T) {
	t.Parallel()
	tool(t, ".", "spectral", "lint", "--ruleset", "apitest/spectral.yaml", "--fail-severity", "hint", "openapi.yaml")
}

// A generator makes a client of the description, a strict compiler takes it with
// a program that uses it, and the program sends a file.
func TestGeneratedClientSendsAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"openapi.yaml", "apitest/use.ts", "apitest/tsconfig.json"} {
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(name)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	tool(t, dir, "openapi-ts", "-i", "openapi.yaml", "-o", "client", "-c", "@hey-api/client-fetch", "--no-log-file")
	tool(t, dir, "tsc", "-p", ".")
	g := startGate(t)
	run(t, dir, "node", "js/use.js", g.serve(web.NoAuth(nil), 0), g.root)
	if got, err := os.ReadFile(filepath.Join(g.root, "generated.txt")); err != nil || string(got) != "0123456789" {
		t.Errorf("%q %v", got, err)
	}
}
