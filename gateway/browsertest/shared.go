package browsertest

import (
	"errors"
	"os"
	"sync"
	"testing"
)

// shared is what the tests of a package have together, until End.
var shared struct {
	mu      sync.Mutex
	browser *Browser
	err     error
	ends    []func() error
}

// Shared is one browser for all tests of a package, whose TestMain calls End.
func Shared(t testing.TB) *Browser {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.browser == nil && shared.err == nil {
		shared.browser, shared.err = startShared()
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.browser
}

func startShared() (*Browser, error) {
	dir, err := os.MkdirTemp("", "sftpgate-browsertest-")
	if err != nil {
		return nil, err
	}
	b, end, err := start(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	shared.ends = append(shared.ends, end, func() error { return os.RemoveAll(dir) })
	return b, nil
}

// End closes the shared browser and removes the gateway that was built; for the end of
// TestMain.
func End() error {
	var errs []error
	for _, end := range shared.ends {
		errs = append(errs, end())
	}
	if built != "" {
		errs = append(errs, os.RemoveAll(built))
	}
	return errors.Join(errs...)
}
