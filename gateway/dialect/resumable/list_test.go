package resumable

import (
	"reflect"
	"testing"

	"sftpgate/gateway"
)

// What an answer lists is there, and the list has an end whatever a request says.
func TestListOfChunks(t *testing.T) {
	for name, c := range map[string]struct {
		chunk    chunk
		received [][2]int64
		want     []int64
	}{
		"none":        {chunk{size: 10, total: 25}, nil, []int64{}},
		"whole ones":  {chunk{size: 10, total: 25}, [][2]int64{{0, 10}, {20, 25}}, []int64{1, 3}},
		"parts":       {chunk{size: 10, total: 25}, [][2]int64{{1, 19}, {20, 24}}, []int64{}},
		"in between":  {chunk{size: 10, total: 45}, [][2]int64{{5, 37}}, []int64{2, 3}},
		"a last long": {chunk{size: 10, total: 25}, [][2]int64{{10, 25}}, []int64{2, 3}},
	} {
		if got := c.chunk.numbers(gateway.Upload{Received: c.received}); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	huge := chunk{size: 1, total: 1 << 60}
	if got := huge.numbers(gateway.Upload{State: gateway.Done}); len(got) != maxListed {
		t.Errorf("it lists %d", len(got))
	}
}
