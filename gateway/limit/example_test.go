package limit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"sftpgate/gateway/limit"
)

// A host that takes one body at once refuses the second until the first is released.
func Example() {
	l := limit.New(limit.Limits{Wait: time.Millisecond})
	host := limit.Host{ID: "web-1", MaxBodies: func() int { return 1 }, Bandwidth: func() int64 { return 1 << 20 }}
	admit := func(user, content string) (*limit.Body, error) {
		return l.Admit(context.Background(), host, user, strings.NewReader(content), int64(len(content)))
	}

	first, err := admit("alice", "abc")
	if err != nil {
		panic(err)
	}
	var full *limit.FullError
	if _, err := admit("bob", "def"); errors.As(err, &full) {
		fmt.Println(full.Reason)
	}
	content, _ := io.ReadAll(first)
	first.Release()
	fmt.Printf("%s came, %d bodies are under way\n", content, len(l.CountBodies()))
	// Output:
	// host web-1 takes one request body at once, and that many are under way
	// abc came, 0 bodies are under way
}
