package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Version is the version of the record file's form that is written; the ones before are
// read, too.
const Version = 2

// MaxBytes bounds a record file: a few million chunks.
const MaxBytes = 512 << 20

// The file is a JSON object: what stands before the sum, between it and the
// record, and behind. The sum covers the version and the bytes of the record exactly as
// they stand, so that a torn or edited file is never taken for a valid one.
var (
	opening = openingOf(Version)
	middle  = "\",\n \"record\": "
	closing = "\n}\n"
)

func openingOf(version int) string {
	return fmt.Sprintf("{\n \"sftpgate\": %d,\n \"sha256\": \"", version)
}

// sumFor is the sum of a record in a file of a version. The first did not cover it.
func sumFor(version int, body []byte) Sum {
	if version == 1 {
		return sha256.Sum256(body)
	}
	h := sha256.New()
	h.Write([]byte(itoa(int64(version)) + "\n"))
	h.Write(body)
	return Sum(h.Sum(nil))
}

// Encode writes the record file, indented for a person to read. It refuses
// what Decode would: a record that nobody can read loses what it says.
func Encode(r Record) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("encode record %d: %w", r.Seq, err)
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record %d: %w", r.Seq, err)
	}
	var file bytes.Buffer
	begin(&file)
	if err := json.Indent(&file, body, "  ", " "); err != nil {
		return nil, fmt.Errorf("encode record %d: %w", r.Seq, err)
	}
	return end(&file), nil
}

// begin writes what stands before the record; end fills the sum in.
func begin(file *bytes.Buffer) {
	file.WriteString(opening)
	file.WriteString(Sum{}.String())
	file.WriteString(middle)
}

func end(file *bytes.Buffer) []byte {
	sum := sumFor(Version, file.Bytes()[len(opening)+2*len(Sum{})+len(middle):])
	hex.Encode(file.Bytes()[len(opening):], sum[:])
	file.WriteString(closing)
	return file.Bytes()
}

// ErrVersion is returned for a record that another version of the gateway wrote.
var ErrVersion = errors.New("the record was written by another version of the gateway")

// Decode reads a record file. It refuses a torn or changed one, in whichever
// byte, an unknown version, and contents that make no sense.
func Decode(file []byte) (Record, error) {
	body, ok := bodyOf(file)
	if !ok {
		return Record{}, whatIsWrong(file)
	}
	var r Record
	if err := json.Unmarshal(body, &r); err != nil {
		return Record{}, fmt.Errorf("record: %w", err)
	}
	if err := r.check(); err != nil {
		return Record{}, err
	}
	return r, nil
}

// bodyOf is the record in a file that is, to the byte, one that Encode could
// have written: JSON has many spellings, and one that lost its last byte may be
// another one of them.
func bodyOf(file []byte) ([]byte, bool) {
	version := Version
	rest, opens := bytes.CutPrefix(file, []byte(opening))
	for v := Version - 1; v > 0 && !opens; v-- {
		version = v
		rest, opens = bytes.CutPrefix(file, []byte(openingOf(v)))
	}
	sum, rest, parted := bytes.Cut(rest, []byte(middle))
	body, closes := bytes.CutSuffix(rest, []byte(closing))
	if !opens || !parted || !closes || !bytes.HasPrefix(body, []byte("{")) || !bytes.HasSuffix(body, []byte("}")) {
		return nil, false
	}
	return body, string(sum) == sumFor(version, body).String()
}

// whatIsWrong says why a file is no record.
func whatIsWrong(file []byte) error {
	var e struct {
		Version int             `json:"sftpgate"`
		Sum     Sum             `json:"sha256"`
		Record  json.RawMessage `json:"record"`
	}
	switch err := json.Unmarshal(file, &e); {
	case err != nil:
		return fmt.Errorf("the record is torn or not a record: %w", err)
	case e.Version < 1 || e.Version > Version:
		return fmt.Errorf("%w: it has version %d, this one reads up to %d: upgrade the gateway", ErrVersion, e.Version, Version)
	case sumFor(e.Version, e.Record) != e.Sum:
		return errors.New("record does not match its checksum: it is torn or was changed")
	default:
		return errors.New("record is not as it was written: it is torn or was changed")
	}
}

func (r Record) check() error {
	switch {
	case r.Seq < 1:
		return fmt.Errorf("record: seq %d is not positive", r.Seq)
	case r.Epoch < 0:
		return fmt.Errorf("record: epoch %d is negative", r.Epoch)
	case r.Meta.ID == "" || r.Meta.User == "":
		return errors.New("record: it names no upload or no user")
	case r.Meta.Size < Unknown:
		return fmt.Errorf("record: size %d is negative", r.Meta.Size)
	case r.Meta.ChunkSize < 0:
		return fmt.Errorf("record: chunk size %d is negative", r.Meta.ChunkSize)
	case r.Meta.Size >= 0 && r.Merged.End() > r.Meta.Size:
		return fmt.Errorf("record: merged up to %d of a file of %d bytes", r.Merged.End(), r.Meta.Size)
	}
	for _, c := range r.Chunks {
		if _, err := NewSpan(c.Off, c.Len); err != nil {
			return fmt.Errorf("record: chunk %s: %w", c.Name(), err)
		}
	}
	for _, a := range r.Meta.Adopted {
		if a.Len == 0 && a.Base >= 0 { // an empty part: nothing to read, but to clean up
			continue
		}
		if _, err := NewSpan(a.Base, a.Len); err != nil {
			return fmt.Errorf("record: adopted upload %s: %w", a.ID, err)
		}
	}
	return nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
