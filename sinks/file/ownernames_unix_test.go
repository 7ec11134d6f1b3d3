//go:build unix

package file

import (
	"os/user"
	"strings"
	"testing"
)

func TestUsersAndGroupsAreNamedWithTheirNumbers(t *testing.T) {
	u, err := user.LookupId("0")
	if err != nil {
		t.Skip("the system has no list of users")
	}
	if got := userName(0); got != u.Username+" (0)" {
		t.Errorf("user 0 is %q", got)
	}
	if g, err := user.LookupGroupId("0"); err == nil {
		if got := groupName(0); got != g.Name+" (0)" {
			t.Errorf("group 0 is %q", got)
		}
	}
	const nobodys = 1987654321
	for _, got := range []string{userName(nobodys), groupName(nobodys)} {
		if got != "1987654321" || strings.Contains(got, "(") {
			t.Errorf("whom nobody knows is %q", got)
		}
	}
	for name, is := range map[string]bool{"0": true, "12": true, "": false, "a1": false, "1a": false, "-1": false} {
		if isNumber(name) != is {
			t.Errorf("%q is a number: %t", name, !is)
		}
	}
}
