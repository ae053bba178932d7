package main

import (
	"archive/zip"
	"compress/flate"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const pythonSource = "scripts/bench/python"

// builds are the functions as they would be deployed.
type builds struct {
	dir           string
	interpreter   string // the Python that has boto3
	pythonVersion string
	load          string           // average number of busy processes in the minute before
	zipped        map[string]int64 // bytes of the deployment package by function
}

func (b builds) path(function string) string { return filepath.Join(b.dir, function) }

func build(ctx context.Context) (builds, error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return builds{}, err
	}
	b := builds{dir: dir, load: load(), zipped: make(map[string]int64)}
	if err := b.all(ctx); err != nil {
		os.RemoveAll(dir)
		return builds{}, err
	}
	return b, nil
}

// load returns the load average of the last minute, "unknown" where the system has no
// /proc.
func load() string {
	averages, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	last, _, _ := strings.Cut(string(averages), " ")
	return last
}

func (b *builds) all(ctx context.Context) error {
	for function, source := range map[string]string{
		bare: "./scripts/bench/bare", sdkAlone: "./scripts/bench/sdkonly", sdkThree: "./scripts/bench/sdkthree",
		rotate: "./functions/rotate", audit: "./functions/audit",
	} {
		if err := b.compile(ctx, function, source); err != nil {
			return err
		}
	}
	venv, err := b.virtualEnvironment(ctx)
	if err != nil {
		return err
	}
	b.interpreter = filepath.Join(venv, "bin", "python")
	version, err := output(ctx, b.interpreter, "--version")
	if err != nil {
		return err
	}
	b.pythonVersion = strings.TrimSpace(version)
	files, err := pythonFiles(venv)
	if err != nil {
		return err
	}
	b.zipped[python], err = zipSize(files)
	return err
}

// compile builds as the Makefile does.
func (b *builds) compile(ctx context.Context, function, source string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w", "-o", b.path(function), source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: %w", source, err)
	}
	size, err := zipSize(map[string]string{"bootstrap": b.path(function)})
	b.zipped[function] = size
	return err
}

// virtualEnvironment is one with the packages of requirements.txt, kept in the
// user's cache folder for as long as that file stays the same.
func (b *builds) virtualEnvironment(ctx context.Context) (string, error) {
	requirements, err := os.ReadFile(filepath.Join(pythonSource, "requirements.txt"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	venv := filepath.Join(cache, "databrain-rotation", fmt.Sprintf("bench-%x", sha256.Sum256(requirements))[:14])
	complete := filepath.Join(venv, "complete")
	if _, err := os.Stat(complete); err == nil {
		return venv, nil
	}
	note("installing boto3 into %s", venv)
	if _, err := output(ctx, "python3", "-m", "venv", "--clear", venv); err != nil {
		return "", err
	}
	if _, err := output(ctx, filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check",
		"-r", filepath.Join(pythonSource, "requirements.txt")); err != nil {
		return "", err
	}
	return venv, os.WriteFile(complete, nil, 0o600)
}

// pythonFiles are those of the Python function's package: its own, and what pip
// installed beside itself.
func pythonFiles(venv string) (map[string]string, error) {
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python*", "site-packages"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%s holds no packages", venv)
	}
	tools := []string{"pip", "setuptools", "_distutils_hack", "pkg_resources"}
	files := make(map[string]string)
	add := func(root string) error {
		return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			name, err := filepath.Rel(root, path)
			first, _, _ := strings.Cut(name, string(filepath.Separator))
			first, _, _ = strings.Cut(first, "-")
			if !slices.Contains(tools, first) && !strings.HasSuffix(name, ".pyc") {
				files[name] = path
			}
			return err
		})
	}
	if err := add(found[0]); err != nil {
		return nil, err
	}
	return files, add(pythonSource)
}

// zipSize is the size of a zip of files, from their names in it to their paths, at
// the best compression.
func zipSize(files map[string]string) (int64, error) {
	size := &counter{}
	archive := zip.NewWriter(size)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for name, path := range files {
		if err := zipFile(archive, name, path); err != nil {
			return 0, err
		}
	}
	err := archive.Close()
	return size.n, err
}

func zipFile(archive *zip.Writer, name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w, err := archive.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, file)
	return err
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// output is what a command prints. The error holds what it complained of.
func output(ctx context.Context, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, complaint.String())
	}
	return string(out), nil
}
