package gateway

// timesWhatIsFree is how many times what he leaves free a user may hold: alone he gets
// three quarters of the places, two users get three sevenths each, and so on.
const timesWhatIsFree = 3

// mayTake reports whether a user who holds so many places may have one of those that
// are free. Nobody is cut to make room, and a body lasts as long as its client takes:
// what others are to find must be left free before they come.
//
// A single place kept free would be gone with the second user, and the third would stand
// before a door that two hold shut. So what must be left grows with what a user holds,
// and who holds little may go deeper. The last place is for somebody who has none.
func mayTake(held, free int) bool {
	if held == 0 {
		return free > 0
	}
	return held < timesWhatIsFree*(free-1) // of what is free when he has taken it
}
