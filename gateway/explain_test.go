package gateway_test

import (
	"errors"
	"strings"
	"testing"

	"sftpgate/gateway"
	"sftpgate/remote/merge"
	"sftpgate/remote/record"
)

// What is tried again at once, and then fails each time, is still no mistake of ours: it
// passes when whoever is in the way comes to an end.
func TestWhatIsInTheWayEachTime(t *testing.T) {
	t.Parallel()
	overtaken := merge.NoNewWriter(record.State{}, record.State{})(record.State{Epoch: 1})
	if !merge.Again(overtaken) {
		t.Fatal(overtaken)
	}
	for says, err := range map[string]error{"the declared digest changed": gateway.ErrRedeclared, "another gateway": overtaken} {
		var refused *gateway.Error
		if !errors.As(gateway.Explain("web-1", err), &refused) {
			t.Errorf("%v is a mistake of ours", err)
			continue
		}
		if refused.Code != gateway.StillFinishing || !refused.Retryable() || refused.RetryAfter == 0 || !strings.Contains(refused.Detail, says) || !strings.Contains(refused.Detail, "finish again") {
			t.Errorf("%v: %s %v, %s", err, refused.Code, refused.RetryAfter, refused.Detail)
		}
	}
}
