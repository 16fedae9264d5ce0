package gateway

// action is what a caller wants to do.
type action string

const (
	actList     action = "list hosts"
	actBrowse   action = "browse"
	actUpload   action = "upload"
	actSee      action = "see an upload"
	actCancel   action = "cancel"
	actTakeOver action = "take over"
)

// object is what it is to be done to; fields that do not apply are empty.
type object struct {
	host  string
	path  string
	owner string // of the upload
}

// allow is the one decision on access, asked by every call of the service.
func (s *Service) allow(c Caller, a action, on object) error {
	switch {
	case c.User == "":
		return Refuse(Unauthenticated, "no user is named: authenticate first")
	case a == actTakeOver && !c.Admin:
		return Refuse(Forbidden, "taking over another user's upload needs an administrator")
	case on.owner != "" && on.owner != c.User && !(c.Admin && a.ofAdmins()):
		return Refuse(Forbidden, "this upload belongs to another user")
	}
	return nil
}

// ofAdmins are the actions on other people's uploads that an administrator
// has: to see them and to end them, not to write into their files.
func (a action) ofAdmins() bool { return a == actSee || a == actCancel || a == actTakeOver }
