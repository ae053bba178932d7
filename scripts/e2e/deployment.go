package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// deploy deploys the template to LocalStack in every shape and has its engine drive
// what was deployed.
func (w *workshop) deploy(ctx context.Context) {
	var c *cloud
	var stop func()
	if !w.check(ctx, "LocalStack starts", func() (err error) {
		if c, stop, err = w.startCloud(ctx); err != nil {
			return err
		}
		return c.fill(ctx)
	}) {
		return
	}
	defer stop()
	var scenes sync.WaitGroup // which wait for messages more than they work
	scenes.Go(func() { c.rotateAndAudit(ctx) })
	scenes.Go(func() { c.everyShape(ctx) })
	scenes.Wait()
	c.release(ctx)
	w.check(ctx, "what the functions asked of AWS is on record", func() error {
		return c.recorder.save(w.accessFile("localstack"))
	})
}

// builtTemplate is the built template for this machine.
func (w *workshop) builtTemplate() (string, error) {
	own, err := ownArchitecture()
	return filepath.Join(w.built(own), "template.yaml"), err
}

// release deploys what a release offers, and rotates with it.
func (c *cloud) release(ctx context.Context) {
	own, err := ownArchitecture()
	if err != nil {
		return // an earlier check has failed for it
	}
	c.check(ctx, "the files of a release deploy and rotate", func() error {
		s, err := c.newStack("release", freshInstance())
		if err != nil {
			return err
		}
		defer s.close()
		template := filepath.Join(c.dir, "release", "template-"+own.name+".yaml")
		if err := s.deploy(ctx, template, nil); err != nil {
			return err
		}
		return s.firstRotation(ctx)
	})
}

// accessFile keeps what the functions asked of AWS in one kind of run.
func (w *workshop) accessFile(run string) string {
	dir := filepath.Join(w.dir, "accesses")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		panic(fmt.Sprint("the scratch folder: ", err))
	}
	return filepath.Join(dir, run+".jsonl")
}
