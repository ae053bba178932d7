package main

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// baseImage is a local stand-in of AWS's image of the runtime. The SAM CLI lays its
// emulator of the Runtime API over it, with the help of a shell.
const baseImage = "databrain-rotation-e2e/provided:al2023"

// chooseImage pulls AWS's image, or builds the stand-in where that cannot be had,
// and returns the options that tell the SAM CLI so.
func (e *engine) chooseImage(ctx context.Context, a architecture) (options []string, err error) {
	pulling, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	official := "public.ecr.aws/lambda/provided:al2023-" + a.name
	_, pulled := e.docker(pulling, "pull", "--quiet", official)
	if pulled == nil {
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	e.w.show(fmt.Sprintf("     %s cannot be pulled here; a small local image takes its place", official))
	root, err := rootFileSystem()
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w\nbuild a base image instead: %w", official, pulled, err)
	}
	cmd := e.w.command(ctx, "docker", "import", "--platform", "linux/"+a.goarch, "-", baseImage)
	cmd.Env, cmd.Stdin = append(cmd.Env, e.env...), bytes.NewReader(root)
	if _, err := output(ctx, cmd); err != nil {
		return nil, err
	}
	e.undo = append(e.undo, func(ctx context.Context) {
		e.docker(ctx, "rmi", "--force", baseImage, "databrain-rotation-e2e/provided:rapid-"+a.name)
	})
	return []string{"--invoke-image", baseImage, "--skip-pull-image"}, nil
}

// rootFileSystem is a tar archive with a static busybox, the certificate
// authorities, and the folders that Lambda promises.
func rootFileSystem() ([]byte, error) {
	busybox, err := staticBusybox()
	if err != nil {
		return nil, err
	}
	authorities, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		return nil, err
	}
	var archive bytes.Buffer
	t := tar.NewWriter(&archive)
	var errs []error
	folder := func(name string, mode int64) {
		errs = append(errs, t.WriteHeader(&tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: mode}))
	}
	file := func(name string, mode int64, content []byte) {
		errs = append(errs, t.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}))
		_, err := t.Write(content)
		errs = append(errs, err)
	}
	for _, name := range []string{
		"bin", "etc", "etc/ssl", "etc/ssl/certs", "var", "var/task", "var/runtime", "var/rapid", "opt",
	} {
		folder(name, 0o755)
	}
	folder("tmp", 0o1777)
	file("bin/busybox", 0o755, busybox)
	for _, name := range []string{"sh", "mv", "chmod"} {
		errs = append(errs, t.WriteHeader(&tar.Header{Name: "bin/" + name, Typeflag: tar.TypeSymlink, Linkname: "busybox"}))
	}
	file("etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n"))
	file("etc/ssl/certs/ca-certificates.crt", 0o644, authorities)
	errs = append(errs, t.Close())
	return archive.Bytes(), errors.Join(errs...)
}

// staticBusybox needs no C library in the image. Debian has it in busybox-static.
func staticBusybox() ([]byte, error) {
	for _, path := range []string{"/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static"} {
		a, err := ownArchitecture()
		if err != nil {
			return nil, err
		}
		err = isStaticBinary(path, a.machine)
		if err == nil {
			return os.ReadFile(path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, errors.New("no static busybox: install Debian's busybox-static")
}
