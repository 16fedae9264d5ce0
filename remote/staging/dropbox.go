package staging

// A drop box is a directory that the login user may write to and not read. Its names
// cannot be synced, nor listed by a sweep; what is made in it can be.

func (h *Host) noteDropBox(dir string) { h.dropBoxes.Store(dir, true) }

// sayDropBox adds to the notes of a publication that its directory is one.
func (h *Host) sayDropBox(t Target, done *Published) {
	if _, is := h.dropBoxes.Load(t.Dir); is {
		done.Notes = append(done.Notes, "durability: degraded: the login user cannot read the directory "+t.Dir+", so the file's name in it cannot be synced")
	}
}
