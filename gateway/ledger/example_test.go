package ledger_test

import (
	"context"
	"fmt"

	"sftpgate/gateway/ledger"
	"sftpgate/remote/record"
)

// A body of ten bytes brings bytes 2 to 6, and comes again from its beginning on.
func Example() {
	var held ledger.Ledger
	c := record.Chunk{Span: record.Span{Off: 2, Len: 4}}
	if v, _, err := held.BeginCommit(context.Background(), c); err == nil && v == ledger.Fresh {
		held.EndCommit(c, true) // once it is durable on the host
	}
	for off := int64(0); off < 10; {
		p := held.NextPiece(off, 10-off)
		fmt.Println(p.Span, "is held:", p.Held != nil)
		off = p.End()
	}
	fmt.Println(held.Amounts().Unmerged, "bytes are to be merged")
	// Output:
	// [0,2) is held: false
	// [2,6) is held: true
	// [6,10) is held: false
	// 4 bytes are to be merged
}
