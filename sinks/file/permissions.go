package file

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/zclconf/go-cty/cty"
)

// permissions are whose a file is, and who may do what with it.
type permissions struct {
	// owner and group are numeric ids; unowned is whoever the system gives a new
	// file to.
	owner, group int
	// mode is 0 where it is not said.
	mode fs.FileMode
}

const unowned = -1

// usual are the permissions of a file that is new, and of the state's files.
var usual = permissions{owner: unowned, group: unowned, mode: 0o600}

// permissionsFor are those that a target's file is to have: what its block says,
// else what the file has that is replaced, which is nil for none.
func permissionsFor(v schema.Values, replaced fs.FileInfo) (permissions, error) {
	if isState(v) {
		return usual, nil
	}
	p := usual
	if replaced != nil {
		p = permissionsOf(replaced)
	}
	set, err := permissionsIn(v)
	if set.owner != unowned {
		p.owner = set.owner
	}
	if set.group != unowned {
		p.group = set.group
	}
	if set.mode != 0 {
		p.mode = set.mode
	}
	return p, err
}

// permissionsIn are what a block says, and nothing else.
func permissionsIn(v schema.Values) (p permissions, err error) {
	p = permissions{owner: unowned, group: unowned}
	if name := textOf(v, "mode"); name != "" {
		// The table's check lets nothing through that is not a mode.
		n, err := strconv.ParseUint(name, 8, 32)
		if err != nil {
			return p, fmt.Errorf("mode: %q is not a file mode", name)
		}
		p.mode = fs.FileMode(n) & fs.ModePerm
	}
	if name := textOf(v, "owner"); name != "" {
		if p.owner, err = userID(name); err != nil {
			return p, err
		}
	}
	if name := textOf(v, "group"); name != "" {
		if p.group, err = groupID(name); err != nil {
			return p, err
		}
	}
	return p, nil
}

// textOf is an attribute of a block that may not have it.
func textOf(v schema.Values, name string) string {
	if !has(v, name) {
		return ""
	}
	return v.String(name)
}

func permissionsOf(info fs.FileInfo) permissions {
	owner, group := ownerOf(info)
	return permissions{owner: owner, group: group, mode: info.Mode().Perm()}
}

// differs says how a file is not as its block asks; "" where it is. What the block
// does not set may be as it likes.
func differs(v schema.Values, info fs.FileInfo) string {
	want, err := permissionsIn(v)
	if err != nil {
		return err.Error()
	}
	var list []string
	is := permissionsOf(info)
	if want.owner != unowned && want.owner != is.owner {
		list = append(list, fmt.Sprintf("owner is %s, not %s", userName(is.owner), textOf(v, "owner")))
	}
	if want.group != unowned && want.group != is.group {
		list = append(list, fmt.Sprintf("group is %s, not %s", groupName(is.group), textOf(v, "group")))
	}
	if want.mode != 0 && want.mode != is.mode {
		list = append(list, fmt.Sprintf("mode is %04o, not %04o", is.mode, want.mode))
	}
	return strings.Join(list, ", ")
}

// apply gives a file that was just made, empty and for its owner only, those
// permissions. The owner comes first: whoever has the file is to have it before
// anyone else is let in.
func (p permissions) apply(f *os.File, name string, v schema.Values) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	is := permissionsOf(info)
	// The group first: who has given a file away can no longer change it.
	if p.group != unowned && p.group != is.group {
		crashpoint.Reach("set the group of", name)
		if err := f.Chown(unowned, p.group); err != nil {
			return cannotGive(err, groupDenial(v, p.group))
		}
	}
	if p.owner != unowned && p.owner != is.owner {
		crashpoint.Reach("set the owner of", name)
		if err := f.Chown(p.owner, unowned); err != nil {
			return cannotGive(err, ownerDenial(v, p.owner))
		}
	}
	if p.mode != 0 && p.mode != is.mode {
		crashpoint.Reach("set the mode of", name)
		return f.Chmod(p.mode)
	}
	return nil
}

// cannotGive makes a system's refusal to change an owner a denial that says why.
// EINVAL is what a user namespace gives that does not know the id.
func cannotGive(err error, denial string) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EINVAL) {
		return fmt.Errorf("%w: %s", sinks.ErrDenied, denial)
	}
	return err
}

func ownerDenial(v schema.Values, id int) string {
	if name := textOf(v, "owner"); name != "" {
		return fmt.Sprintf("the user who runs credsync may not give files to %s: run credsync as root or as %s, or remove owner from the deliver block", name, name)
	}
	return fmt.Sprintf("the file belongs to %s, and the user who runs credsync may not give files to that user: set owner in the deliver block to the user who runs credsync, give that user the file with chown, or run credsync as root", userName(id))
}

func groupDenial(v schema.Values, id int) string {
	if name := textOf(v, "group"); name != "" {
		return fmt.Sprintf("the user who runs credsync may not give files to the group %s: add that user to the group, run credsync as root, or remove group from the deliver block", name)
	}
	return fmt.Sprintf("the file belongs to the group %s, and the user who runs credsync may not give files to that group: add that user to the group, set group in the deliver block, or run credsync as root", groupName(id))
}

// userID is the id of a user by name, or the number that the name is.
func userID(name string) (int, error) {
	if isNumber(name) {
		return strconv.Atoi(name)
	}
	u, err := user.Lookup(name)
	if err != nil {
		return unowned, unknown("owner", "user", name, err, errors.As(err, new(user.UnknownUserError)))
	}
	return systemID("owner", u.Uid)
}

func groupID(name string) (int, error) {
	if isNumber(name) {
		return strconv.Atoi(name)
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return unowned, unknown("group", "group", name, err, errors.As(err, new(user.UnknownGroupError)))
	}
	return systemID("group", g.Gid)
}

func unknown(attribute, kind, name string, err error, missing bool) error {
	if missing {
		return fmt.Errorf("%s: this machine has no %s %q: correct %s in the deliver block, create the %s, or use a numeric id", attribute, kind, name, attribute, kind)
	}
	return fmt.Errorf("%s: look up the %s %q: %w; use a numeric id", attribute, kind, name, err)
}

// systemID reads an id as the system gives it.
func systemID(attribute, id string) (int, error) {
	n, err := strconv.Atoi(id)
	if err != nil {
		return unowned, fmt.Errorf("%s: %w: files on this system have no numeric owner: remove %s from the deliver block", attribute, sinks.ErrUnsupported, attribute)
	}
	return n, nil
}

func isNumber(name string) bool {
	return name != "" && strings.Trim(name, "0123456789") == ""
}

// userName names a user to people.
func userName(id int) string {
	text := strconv.Itoa(id)
	if u, err := user.LookupId(text); err == nil {
		return u.Username + " (" + text + ")"
	}
	return text
}

func groupName(id int) string {
	text := strconv.Itoa(id)
	if g, err := user.LookupGroupId(text); err == nil {
		return g.Name + " (" + text + ")"
	}
	return text
}

func checkMode(v cty.Value) error {
	n, err := strconv.ParseUint(v.AsString(), 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return fmt.Errorf("%q is not a file mode: use octal digits that let the owner read and write, such as \"0600\" or \"0640\"", v.AsString())
	}
	return nil
}

// checkAccount refuses what no system has as the name of a user or group. Whether
// there is one shows only on the machine that writes the file.
func checkAccount(v cty.Value) error {
	name := v.AsString()
	odd := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == ':' || r == '/' }
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsFunc(name, odd) {
		return fmt.Errorf("%q is not the name of a user or group: use a name, such as \"app\", or a numeric id", name)
	}
	if isNumber(name) {
		if n, err := strconv.ParseUint(name, 10, 32); err != nil || n == math.MaxUint32 {
			return fmt.Errorf("%q is not a numeric id: the highest is %d", name, uint32(math.MaxUint32-1))
		}
	}
	return nil
}
