package vault

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/credsync/credsync/sinks"
)

func versionIn(data map[string]any, t sinks.Target) (string, error) {
	number, ok := data["version"].(json.Number)
	n, err := strconv.Atoi(number.String())
	if !ok || err != nil {
		return "", fmt.Errorf("write %s: Vault's answer has no version", t.Location)
	}
	created, _ := data["created_time"].(string)
	return versionOf(n, created), nil
}

// versionOf names a version: by its number, which a write compares with, and by
// the time of its creation. The number alone would come again once the secret is
// deleted with its metadata, and on every other server; two Vaults do not make a
// version in the same nanosecond.
func versionOf(number int, created string) string {
	text := strconv.Itoa(number)
	if created == "" {
		return text
	}
	if at, err := time.Parse(time.RFC3339Nano, created); err == nil {
		created = at.UTC().Format(time.RFC3339Nano)
	}
	return text + "@" + created
}

// casVersion is the number that a write compares with; 0 where nothing may be. A
// version that is not Vault's, such as a file's, cannot be the current one.
func casVersion(version string) (int, error) {
	if version == "" {
		return 0, nil
	}
	number, _, _ := strings.Cut(version, "@")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return 0, sinks.ErrConflict
	}
	return n, nil
}

// follows reports whether a version can be what a write at another one made.
func follows(version, before string) bool {
	n, err := casVersion(version)
	was, beforeErr := casVersion(before)
	return err == nil && beforeErr == nil && n == was+1
}
