package limit

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// holdAll has a user take places until he is refused one, and says how many he got.
func holdAll(t *testing.T, b *bodies, user string, most int) (held int) {
	t.Helper()
	for {
		_, err := b.enter(t.Context(), bodyFor(user, "h", most))
		if err == nil {
			held++
			continue
		}
		if e := fullError(err); e == nil || e.RetryAfter != fullFor {
			t.Fatal(err)
		}
		return held
	}
}

// However many places somebody holds, and for however long, the next one gets some
// without waiting; so does the one after him.
func TestOneUserShutsNoDoor(t *testing.T) {
	for name, c := range map[string]struct {
		bodies, ofHost int
		held           []int // by one user after the other
	}{
		"gateway":        {256, 0, []int{192, 48, 12, 3, 1}},
		"host":           {1000, 32, []int{24, 6, 1, 1}},
		"seven places":   {7, 0, []int{5, 1, 1}},
		"five places":    {5, 0, []int{3, 1, 1}},
		"a small host":   {256, 4, []int{3, 1}},
		"two places":     {2, 0, []int{1, 1}},
		"only one place": {1, 0, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBodies(Limits{Bodies: c.bodies, Wait: time.Second})
				for i, want := range c.held {
					user, began := fmt.Sprint("user ", i), time.Now()
					entered(t, b, bodyFor(user, "h", c.ofHost))
					if waited := time.Since(began); waited != 0 {
						t.Errorf("%s waited %v for his first place", user, waited)
					}
					if held := 1 + holdAll(t, b, user, c.ofHost); held != want {
						t.Errorf("%s holds %d places, not %d", user, held, want)
					}
				}
			})
		})
	}
}

// What somebody with many gives back goes to one who has fewer and waits behind him.
func TestFreedPlacesGoToWhoHasFewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBodies(Limits{Bodies: 5, Wait: time.Minute})
		var many []func()
		for range 3 {
			many = append(many, entered(t, b, bodyFor("many", "h", 0)))
		}
		entered(t, b, bodyFor("some", "h", 0))
		entered(t, b, bodyFor("others", "h", 0))
		letIn := make(chan string, 3)
		for _, user := range []string{"many", "many", "new"} {
			go func() {
				if _, err := b.enter(t.Context(), bodyFor(user, "h", 0)); err == nil {
					letIn <- user
				}
			}()
			synctest.Wait()
		}
		if len(letIn) != 0 {
			t.Fatalf("%s was let in though there is no place", <-letIn)
		}
		many[0]()
		if user := <-letIn; user != "new" {
			t.Errorf("%q was let in", user)
		}
		time.Sleep(time.Hour)
		if len(letIn) != 0 {
			t.Errorf("%q was let in as well", <-letIn)
		}
	})
}

// Who is held back for others is told so.
func TestRefusedForOthers(t *testing.T) {
	for want, most := range map[string]int{
		"you are sending 3 request bodies at once, and what the gateway":         0,
		"you are sending 2 request bodies to host h at once, and what it takes ": 3,
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBodies(Limits{Bodies: 4, Wait: time.Second})
			holdAll(t, b, "a", most)
			if _, err := b.enter(t.Context(), bodyFor("a", "h", most)); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
		})
	}
}
