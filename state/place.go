package state

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/credsync/credsync/sinks"
)

// Place is where the project's records are: two stores of one project with the same
// place have the same records.
func (s *Store) Place(ctx context.Context) (sinks.Place, error) {
	t, err := s.place(RecordName(s.project, ""))
	if err != nil {
		return "", err
	}
	return s.sink.Place(ctx, t)
}

// Target is the place of an account's record; of "" that of all records.
func (s *Store) Target(address string) (sinks.Target, error) {
	if address == "" {
		return s.place("")
	}
	return s.place(RecordName(s.project, address))
}

// recordNames is what RecordName gives, with what a sink may put behind it.
var recordNames = regexp.MustCompile(`--[a-z0-9-]+-[0-9a-f]{12}(\.[a-z]+)?$`)

// OtherProjects counts the records of other projects that are kept in the same
// place. Their names are what is left of them in the names of records, in small
// letters and digits. No record is read.
func (s *Store) OtherProjects(ctx context.Context) (map[string]int, error) {
	dir, err := s.place("")
	if err != nil {
		return nil, err
	}
	// A sink may put something before a name.
	own := RecordName(s.project, "")
	t, err := s.place(own)
	if err != nil {
		return nil, err
	}
	before := path.Base(t.Path)
	before = before[:max(0, strings.Index(before, own))]
	listed, err := s.sink.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	others := make(map[string]int)
	for _, t := range listed {
		name, ok := strings.CutPrefix(path.Base(t.Path), before)
		project, _, isRecord := strings.Cut(name, "--")
		isRecord = isRecord && recordNames.MatchString(name)
		if ok && isRecord && project != "" && project+"--" != namePrefix(s.project) {
			others[project]++
		}
	}
	return others, nil
}
