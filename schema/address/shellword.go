package address

import "strings"

// ShellWord makes an address one word of a shell command: that of an instance has
// brackets and quotes.
func ShellWord(address string) string {
	if strings.ContainsAny(address, `["`) {
		return "'" + address + "'"
	}
	return address
}
