package registrytest

import (
	"crypto/rand"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"sftpgate/gateway"
	"sftpgate/remote/remotetest/await"
)

// newEntry is an entry in which every field that a store keeps says something. It
// is not pending: who reads what is pending need not read all other tests' entries.
func newEntry(user string) gateway.Entry {
	id := rand.Text()
	created := time.Date(2026, 2, 3, 4, 5, 6, 789_000_001, time.UTC)
	digest := gateway.Digest([]byte(rand.Text() + rand.Text())[:32])
	existing := func() *gateway.Existing {
		return &gateway.Existing{Size: 1 << 53, MTime: created.Add(time.Hour), ETag: `"` + id + `"`}
	}
	u := gateway.Upload{
		ID: id, Host: "web-1", Path: "/srv/files/ä b'\"<&>\u2028\n" + id, User: user,
		Size: 1<<62 + 1, ChunkSize: 10 << 20, State: gateway.Failed,
		ReceivedBytes: 1<<61 + 1, MergedBytes: 1<<60 + 1, Engine: "shell", Digest: &digest, Verified: "spans",
		Notes:    []string{"the owner could not be kept", "durability: degraded"},
		ClientID: "uuid-1", Note: "filename YQ==",
		CreatedAt: created, ExpiresAt: created.AddDate(0, 0, 7),
	}
	other := u
	other.ID, other.Digest, other.State = rand.Text(), nil, gateway.Receiving
	u.Error = &gateway.Error{
		Code: gateway.Incomplete, Detail: "two ranges are missing", RetryAfter: 5 * time.Second,
		Missing: [][2]int64{{0, 1<<61 + 1}, {1 << 61, 1 << 62}}, Existing: existing(), Upload: &other,
	}
	return gateway.Entry{
		Upload: u, Key: newKey(), Aliases: []string{"tus:" + id, "target:{" + id + "} x"}, Target: existing(),
		Passes: []string{"ticket " + id, "token " + id},
	}
}

func put(t *testing.T, s Store, e gateway.Entry, ttl time.Duration) {
	t.Helper()
	check(t, "Put", s.Put(t.Context(), e, ttl))
}

// get compares what the index has under an id; nil for nothing.
func get(t *testing.T, s Store, id string, want *gateway.Entry) {
	t.Helper()
	e, ok, err := s.Get(t.Context(), id)
	check(t, "Get", err)
	same(t, "Get", e, ok, want)
}

func byAlias(t *testing.T, s Store, alias string, want *gateway.Entry) {
	t.Helper()
	e, ok, err := s.ByAlias(t.Context(), alias)
	check(t, "ByAlias", err)
	same(t, "ByAlias", e, ok, want)
}

func same(t *testing.T, what string, e gateway.Entry, ok bool, want *gateway.Entry) {
	t.Helper()
	switch {
	case ok != (want != nil):
		t.Fatalf("%s: found %v, want %v", what, ok, want != nil)
	case ok && !reflect.DeepEqual(e, *want):
		t.Fatalf("%s: got\n%+v\n%+v, want\n%+v\n%+v", what, e, e.Upload.Error, *want, want.Upload.Error)
	}
}

// ids lists the ids of a user's entries.
func ids(t *testing.T, s Store, user string) []string {
	t.Helper()
	entries, err := s.ByUser(t.Context(), user)
	check(t, "ByUser", err)
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Upload.ID)
	}
	return list
}

func entryRoundTrip(t *testing.T, s Store) {
	full := newEntry(rand.Text())
	full.Pending = true
	put(t, s, full, long)
	get(t, s, full.Upload.ID, &full)

	bare := gateway.Entry{Upload: gateway.Upload{ID: rand.Text(), Size: -1}}
	put(t, s, bare, long)
	get(t, s, bare.Upload.ID, &bare)

	// Kept for a short answer, in any zone, and without what the index leaves out.
	kept := newEntry(rand.Text())
	sent := kept
	sent.Upload.Received = [][2]int64{{0, 5}}
	sent.Upload.CreatedAt = kept.Upload.CreatedAt.In(time.FixedZone("", 3600))
	refusal := *kept.Upload.Error
	refusal.Err = errors.New("for the log")
	sent.Upload.Error = &refusal
	put(t, s, sent, long)
	get(t, s, kept.Upload.ID, &kept)

	get(t, s, rand.Text(), nil)
	get(t, s, "", nil)
}

func entryReplaced(t *testing.T, s Store) {
	e := newEntry(rand.Text())
	put(t, s, e, long)
	put(t, s, e, long)
	e.Upload.State, e.Upload.Error, e.Upload.MergedBytes = gateway.Merging, nil, 7
	put(t, s, e, long)
	get(t, s, e.Upload.ID, &e)
	byAlias(t, s, e.Aliases[0], &e)
	if got := ids(t, s, e.Upload.User); !slices.Equal(got, []string{e.Upload.ID}) {
		t.Errorf("ByUser: %v, want %s once", got, e.Upload.ID)
	}
}

func entryEnds(t *testing.T, s Store) {
	e := newEntry(rand.Text())
	stays := newEntry(e.Upload.User)
	put(t, s, stays, short)
	put(t, s, stays, long) // renewed
	put(t, s, e, short)
	await.Until(t, "the entry to end", func() bool {
		_, ok, err := s.Get(t.Context(), e.Upload.ID)
		check(t, "Get", err)
		return !ok
	})
	byAlias(t, s, e.Aliases[0], nil)
	byAlias(t, s, stays.Aliases[0], &stays)
	if got := ids(t, s, e.Upload.User); !slices.Equal(got, []string{stays.Upload.ID}) {
		t.Errorf("ByUser: %v, want only %s", got, stays.Upload.ID)
	}
	put(t, s, e, long)
	if got := ids(t, s, e.Upload.User); len(got) != 2 {
		t.Errorf("ByUser after the entry came back: %v, want two", got)
	}
}

func alias(t *testing.T, s Store) {
	first, second := newEntry(rand.Text()), newEntry(rand.Text())
	second.Aliases[1] = first.Aliases[1]
	put(t, s, first, long)
	put(t, s, second, long)
	byAlias(t, s, first.Aliases[0], &first)
	byAlias(t, s, first.Aliases[1], &second) // the last Put wins
	put(t, s, first, long)
	byAlias(t, s, first.Aliases[1], &first)
	byAlias(t, s, first.Upload.ID, nil) // an id is no alias
	byAlias(t, s, "", nil)
}

func userList(t *testing.T, s Store) {
	user, other := rand.Text()+"}:{ü", rand.Text()
	var want []string
	for i := range 5 {
		e := newEntry(user)
		// Put in an order that is neither that of creation nor its reverse.
		e.Upload.CreatedAt = e.Upload.CreatedAt.Add(time.Duration(i*3%5) * time.Second)
		put(t, s, e, long)
		want = append(want, e.Upload.ID)
	}
	put(t, s, newEntry(other), long)
	want = []string{want[3], want[1], want[4], want[2], want[0]}
	if got := ids(t, s, user); !slices.Equal(got, want) {
		t.Errorf("ByUser: %v, want %v", got, want)
	}
	if got := ids(t, s, user+"x"); len(got) != 0 {
		t.Errorf("ByUser of one who has none: %v", got)
	}
}

func userListConcurrently(t *testing.T, s Store) {
	user := rand.Text()
	var errs [50]error
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.Put(t.Context(), newEntry(user), long) })
	}
	all.Wait()
	check(t, "Put", errors.Join(errs[:]...))
	if got := ids(t, s, user); len(got) != len(errs) {
		t.Errorf("ByUser: %d entries, want %d", len(got), len(errs))
	}
}

func tombstone(t *testing.T, s Store) {
	e := newEntry(rand.Text())
	e.Upload.State = gateway.Receiving
	put(t, s, e, long)
	end := e
	end.Ended, end.Upload.State = true, gateway.Done
	put(t, s, end, long)
	put(t, s, e, long) // an old snapshot, late
	get(t, s, e.Upload.ID, &end)
	byAlias(t, s, e.Aliases[0], &end)
	if got := ids(t, s, e.Upload.User); !slices.Equal(got, []string{e.Upload.ID}) {
		t.Errorf("ByUser: %v, want the ended upload", got)
	}
	end.Upload.Notes = []string{"a note"}
	put(t, s, end, long)
	get(t, s, e.Upload.ID, &end)
}

func unendedList(t *testing.T, s Store) {
	mine := map[string]bool{}
	listed := func() (list []string) {
		t.Helper()
		entries, err := s.Unended(t.Context())
		check(t, "Unended", err)
		for _, e := range entries {
			if mine[e.Upload.ID] {
				list = append(list, e.Upload.ID)
			}
		}
		return list
	}
	older, newer, brief := newEntry(rand.Text()), newEntry(rand.Text()), newEntry(rand.Text())
	newer.Upload.CreatedAt = older.Upload.CreatedAt.Add(time.Second)
	for _, e := range []gateway.Entry{newer, older, brief} {
		mine[e.Upload.ID] = true
	}
	put(t, s, newer, long)
	put(t, s, older, long)
	put(t, s, brief, short)
	await.Until(t, "the entry to end", func() bool { return len(listed()) == 2 })
	if got, want := listed(), []string{newer.Upload.ID, older.Upload.ID}; !slices.Equal(got, want) {
		t.Errorf("Unended: %v, want %v", got, want)
	}
	end := older
	end.Ended, end.Upload.State = true, gateway.Done
	put(t, s, end, long)
	put(t, s, older, long) // an old snapshot, late
	if got, want := listed(), []string{newer.Upload.ID}; !slices.Equal(got, want) {
		t.Errorf("Unended: %v after one of them has ended, want %v", got, want)
	}
}
