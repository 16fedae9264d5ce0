package record

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Chunks are chunks as a record file lists them: neighbours of one length share a line,
// which says where the first one begins, how long each is, and the SHA-256 of each in
// base64 (RFC 4648 §5, without padding). That is half of what their names would take.
//
//	"0-8388608 47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"
type Chunks []Chunk

var digits = base64.RawURLEncoding.Strict()

// MarshalJSON writes the lines.
func (l Chunks) MarshalJSON() ([]byte, error) {
	var lines []string
	var line strings.Builder
	for i, c := range l {
		if i == 0 || c.Off != l[i-1].End() || c.Len != l[i-1].Len {
			if i > 0 {
				lines = append(lines, line.String())
				line.Reset()
			}
			line.WriteString(strconv.FormatInt(c.Off, 10) + "-" + strconv.FormatInt(c.Len, 10))
		}
		line.WriteString(" " + digits.EncodeToString(c.Sum[:]))
	}
	if len(l) > 0 {
		lines = append(lines, line.String())
	}
	return json.Marshal(lines)
}

// UnmarshalJSON reads the lines, and chunks' names, which the first version of the record
// file had.
func (l *Chunks) UnmarshalJSON(text []byte) error {
	var lines []*string
	if err := json.Unmarshal(text, &lines); err != nil {
		return err
	}
	*l = nil
	for _, line := range lines {
		if line == nil {
			return fmt.Errorf("a line of chunks is null")
		}
		if err := l.read(*line); err != nil {
			return err
		}
	}
	return nil
}

func (l *Chunks) read(line string) error {
	span, sums, several := strings.Cut(line, " ")
	if !several {
		c, err := ParseChunkName(line)
		*l = append(*l, c)
		return err
	}
	from, each, _ := strings.Cut(span, "-")
	off, err := strconv.ParseInt(from, 10, 64)
	if err != nil {
		return fmt.Errorf("chunks at %q: offset: %w", span, err)
	}
	length, err := strconv.ParseInt(each, 10, 64)
	if err != nil {
		return fmt.Errorf("chunks at %q: length: %w", span, err)
	}
	for text := range strings.SplitSeq(sums, " ") {
		var c Chunk
		if c.Span, err = NewSpan(off, length); err != nil {
			return fmt.Errorf("chunks at %q: %w", span, err)
		}
		sum, err := digits.DecodeString(text)
		if err != nil || len(sum) != len(c.Sum) {
			return fmt.Errorf("chunks at %q: %q is no SHA-256 in base64", span, text)
		}
		copy(c.Sum[:], sum)
		*l, off = append(*l, c), c.End()
	}
	return nil
}
