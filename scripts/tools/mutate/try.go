package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// draw shuffles the mutations of a package. The order depends on the seed and
// the package's path alone, not on which packages are tried besides.
func draw(mutations []mutation, seed uint64, path string) {
	h := fnv.New64a()
	h.Write([]byte(path))
	r := rand.New(rand.NewPCG(seed, h.Sum64()))
	r.Shuffle(len(mutations), func(i, j int) { mutations[i], mutations[j] = mutations[j], mutations[i] })
}

// trial runs the tests of one package.
type trial struct {
	pkg    goPackage
	root   string
	work   string
	source map[string][]byte // the files as they were first read
	limit  time.Duration     // of a run of the tests
}

// outcome is what became of a changed package.
type outcome int

const (
	invalid  outcome = iota // it does not compile
	survived                // its tests passed
	noticed                 // its tests failed
	hung                    // its tests ran into the limit
)

// tryPackage tries n mutations of a package, or all that compile.
func tryPackage(ctx context.Context, root, work string, p goPackage, n int, o options) (tally, error) {
	t := trial{pkg: p, root: root, work: work, source: map[string][]byte{}, limit: 30 * time.Minute}
	var mutations []mutation
	for _, name := range p.files {
		source, err := os.ReadFile(name)
		if err != nil {
			return tally{}, err
		}
		found, err := mutationsOf(name, source)
		if err != nil {
			return tally{}, err
		}
		t.source[name] = source
		mutations = append(mutations, found...)
	}
	draw(mutations, o.seed, p.path)
	begun := time.Now()
	switch result, output, err := t.run(ctx, "unchanged", nil); {
	case err != nil:
		return tally{}, err
	case result != survived:
		return tally{}, fmt.Errorf("the tests of %s fail without any change:\n%s", p.path, output)
	}
	// Three times as long as it takes alone, and as long as it takes a busy
	// machine to begin.
	t.limit = 3*time.Since(begun) + 10*time.Second
	outcomes := make([]outcome, len(mutations))
	tried, err := inOrder(len(mutations), n, o.parallel, func(i int) (bool, error) {
		result, _, err := t.run(ctx, fmt.Sprint(i), &mutations[i])
		outcomes[i] = result
		if err == nil && result != invalid {
			fmt.Fprintf(os.Stderr, "%s %s %s\n", time.Now().Format(time.TimeOnly), p.path, [...]string{"", "not noticed", "noticed", "hung"}[result])
		}
		return result != invalid, err
	})
	if err != nil {
		return tally{}, err
	}
	sum := tally{path: p.path, root: root, candidates: len(mutations)}
	for i := range tried {
		sum.add(mutations[i], outcomes[i], t.source[mutations[i].file])
	}
	return sum, nil
}

// inOrder calls do with 0, 1, 2 and so on, several at a time, until n calls
// returned true. It returns how many it made. The number does not depend on
// how long each took: no call begins that could be one too many.
func inOrder(length, n, parallel int, do func(int) (bool, error)) (int, error) {
	var (
		mu            sync.Mutex
		next, good    int
		underWay      int
		first         error
		somethingEnds = sync.NewCond(&mu)
		workers       sync.WaitGroup
	)
	for range parallel {
		workers.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for {
				for underWay > 0 && good+underWay >= n && first == nil {
					somethingEnds.Wait()
				}
				if good+underWay >= n || next == length || first != nil {
					return
				}
				i := next
				next++
				underWay++
				mu.Unlock()
				ok, err := do(i)
				mu.Lock()
				underWay--
				if ok {
					good++
				}
				first = errors.Join(first, err)
				somethingEnds.Broadcast()
			}
		})
	}
	workers.Wait()
	return next, first
}

// run builds the package's tests, with the mutation if there is one, and runs
// them. The output is of what failed.
func (t *trial) run(ctx context.Context, name string, m *mutation) (outcome, []byte, error) {
	dir, err := os.MkdirTemp(t.work, name+"-")
	if err != nil {
		return invalid, nil, err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "tests")
	args := []string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-o", binary}
	if m != nil {
		overlay, err := t.overlay(dir, *m)
		if err != nil {
			return invalid, nil, err
		}
		args = append(args, "-overlay", overlay)
	}
	build := exec.CommandContext(ctx, "go", append(args, ".")...)
	build.Dir = t.pkg.dir
	if output, err := build.CombinedOutput(); ctx.Err() != nil {
		return invalid, nil, ctx.Err()
	} else if err != nil {
		return invalid, output, nil
	}
	return t.runTests(ctx, dir, binary)
}

// overlay writes the changed file, and the go command's note of what it
// replaces.
func (t *trial) overlay(dir string, m mutation) (string, error) {
	changed, overlay := filepath.Join(dir, "changed.go"), filepath.Join(dir, "overlay.json")
	note, err := json.Marshal(map[string]any{"Replace": map[string]string{m.file: changed}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(changed, m.apply(t.source[m.file]), 0o644); err != nil {
		return "", err
	}
	return overlay, os.WriteFile(overlay, note, 0o644)
}

// runTests runs a test binary where the go command would, with a home and a
// temporary folder of its own. Whatever it started ends with it. A changed
// program may do what the code was there to prevent, so that root's rights are
// given up.
func (t *trial) runTests(ctx context.Context, dir, binary string) (outcome, []byte, error) {
	limited, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	tests := exec.CommandContext(limited, binary, "-test.failfast", "-test.timeout=0")
	tests.Dir = t.pkg.dir
	tests.Env = os.Environ()
	tests.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		tests.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	for variable, folder := range map[string]string{"HOME": "home", "TMPDIR": "tmp", "GOCACHE": "go-build"} {
		folder = filepath.Join(dir, folder)
		if err := os.Mkdir(folder, 0o700); err != nil {
			return invalid, nil, err
		}
		if os.Getuid() == 0 {
			if err := os.Chown(folder, nobody, nobody); err != nil {
				return invalid, nil, err
			}
		}
		tests.Env = append(tests.Env, variable+"="+folder)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return invalid, nil, err
	}
	tests.Cancel = func() error { return syscall.Kill(-tests.Process.Pid, syscall.SIGKILL) }
	tests.WaitDelay = 5 * time.Second
	output, err := tests.CombinedOutput()
	if tests.Process != nil {
		_ = syscall.Kill(-tests.Process.Pid, syscall.SIGKILL) // what the tests left behind
	}
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return invalid, nil, ctx.Err()
	case limited.Err() != nil:
		return hung, output, nil
	case err == nil:
		return survived, nil, nil
	case errors.As(err, &failed) || errors.Is(err, exec.ErrWaitDelay):
		return noticed, output, nil
	}
	return invalid, nil, fmt.Errorf("the tests of %s could not be run: %w", t.pkg.path, err)
}

// nobody is the ordinary user whom root's tests run as.
const nobody = 65534
