package main

// mutant is the rotation without one of its guards.
type mutant struct {
	guard string // what is removed
	rule  string // where the rule comes from
	test  string // -run: the tests that are to notice
	edits []edit
}

// edit replaces a text that stands exactly once in a file, which is named from pkg/.
type edit struct{ file, old, new string }

// The sources of the rules.
const (
	steps    = "AWS: rotation function, the four steps"
	retries  = "AWS: a failed rotation begins again with the same token"
	put      = "AWS: PutSecretValue"
	move     = "AWS: UpdateSecretVersionStage"
	deputy   = "AWS: rotation function, confused deputy"
	trail    = "AWS: what CloudTrail records"
	lambda   = "AWS: Lambda, deadline and errors"
	save     = "Databrain: create-service-token"
	rotate   = "Databrain: rotate-service-token"
	signIn   = "Databrain: create-admin-jwt"
	listed   = "Databrain: list-api-tokens, rotate-api-key"
	silence  = "no answer is not a refusal"
	silent   = "no credential in any output"
	otherBug = "a bug of published rotators"
)

var mutants = []mutant{
	// What is checked before any step.
	{"a deleted secret is refused", steps, `TestPlanGuard|TestRefusals`, []edit{
		{"rotation/plan.go", "case m.Deleted:", "case false:"}}},
	{"rotation must be switched on", steps, `TestPlanGuard|TestRefusals`, []edit{
		{"rotation/plan.go", "case !m.RotationEnabled:", "case false:"}}},
	{"the version must exist", steps, `TestPlanGuard|TestRefusals`, []edit{
		{"rotation/plan.go", "case !known:", "case !known && false:"}}},
	{"a replica is refused", steps, `TestReplica`, []edit{
		{"rotation/rotator.go", "if s.secret.replica() {", "if false {"}}},
	{"a late duplicate succeeds and does nothing", steps, `TestReplay|TestPlanGuard`, []edit{
		{"rotation/plan.go", "case slices.Contains(labels, labelCurrent):", "case false:"}}},
	{"the version must be AWSPENDING", steps, `TestPlanGuard|TestRefusals`, []edit{
		{"rotation/plan.go", "case !slices.Contains(labels, labelPending):", "case false:"}}},
	{"an unknown step is refused", steps, `TestPlanGuard|TestRefusals`, []edit{
		{"rotation/plan.go", "case !knownStep(step):", "case false:"}}},
	{"the admin secret is not the rotated one", deputy, `TestRefusals`, []edit{
		{"rotation/service.go", "if s.secret.is(s.config.AdminSecretID) {", "if false {"}}},
	{"a partial ARN names it too", deputy, `TestRefusals`, []edit{
		{
			"rotation/versions.go",
			"return id != \"\" && (id == arn || id == name || id == partial)",
			"_ = partial\n\treturn id != \"\" && (id == arn || id == name)",
		}}},
	{"a value is read by its version, and a label that moved is noticed", steps, `TestMeanwhile`, []edit{
		{"rotation/opening.go", "if version != \"\" {", "if false {"},
		{"rotation/versions.go", "if aws.ToString(a.out.VersionId) != version {", "if false {"}}},
	{"so is a label that moved between two reads at the same time", steps, `TestMeanwhile`, []edit{
		{"rotation/versions.go", "if aws.ToString(a.out.VersionId) != version {", "if false {"}}},
	{"a version that is asked for again is read again", put,
		`TestMeanwhile|TestEveryFault/replace/normal/read-lag`, []edit{
			{"rotation/versions.go", "\tdelete(s.opened, label)\n", ""}}},
	{"nothing is written before the guards have spoken", steps, `TestReplay`, []edit{
		{
			"rotation/opening.go",
			"func() error { return s.describe(ctx) },",
			"func() error { return s.describe(ctx) }, func() error { return s.mayMoveLabels(ctx) },",
		}}},
	{"no call that failed is hidden by another at the same time", move, `TestDeniedMove`, []edit{
		{"rotation/opening.go", "return cmp.Or(errs...)", "return cmp.Or(errs[1:]...)"}}},
	{"a label that moved is told from a failure of AWS", steps, `TestMeanwhile`, []edit{
		{
			"rotation/versions.go",
			"_, moved := errors.AsType[*types.InvalidRequestException](a.err); moved {",
			"_, moved := errors.AsType[*types.InvalidRequestException](a.err); moved && false {",
		}}},
	{"a binary value is refused by name", steps, `TestRefusals`, []edit{
		{"rotation/versions.go", "return d, s.malformed(label, err)", "return tokensecret.Empty(), nil"}}},
	{"an AWSCURRENT that cannot be read is not an empty one", otherBug, `TestRefusals`, []edit{
		{
			"rotation/versions.go",
			"if errors.Is(err, errNoValue) {\n\t\treturn d, s.fail(\n",
			"if errors.Is(err, errNoValue) {\n\t\treturn tokensecret.Empty(), nil\n\t}\n\tif false {\n\t\treturn d, s.fail(\n",
		}}},

	// createSecret.
	{"only not-found means that nothing is stored", otherBug, `TestEveryFault/grace/old-pending`, []edit{
		{
			"rotation/storing.go",
			"if errors.Is(err, errNoValue) {\n\t\treturn false, nil",
			"if err != nil {\n\t\treturn false, nil",
		}}},
	{"a stored pending value is kept", retries, `TestEveryFault/grace/old-pending`, []edit{
		{"rotation/storing.go", "return true, s.differ(pending, current)", "_ = pending\n\treturn false, nil"}}},
	{"the credential is not the ClientRequestToken", trail, `TestFewestRequests`, []edit{
		{
			"rotation/service_create.go",
			"databrain.NewSecret(uuid.NewString())",
			"databrain.NewSecret(max(s.event.Version, uuid.Nil.String()))",
		}}},
	{"the value is stored as AWSPENDING alone", put, `TestFewestRequests`, []edit{
		{"rotation/versions.go", "VersionStages: []string{labelPending}, // left out, AWSCURRENT would move at once", ""}}},
	{"the RotationToken is passed on", put, `TestFewestRequests`, []edit{
		{"rotation/versions.go", "in.RotationToken = aws.String(s.event.RotationToken.Reveal())", "_ = in"}}},
	{"the value that another invocation stored is adopted", put, `TestEveryFault/replace/normal/read-lag`, []edit{
		{
			"rotation/versions.go",
			"exists := errors.AsType[*types.ResourceExistsException](err); exists {",
			"exists := errors.AsType[*types.ResourceExistsException](err); exists && false {",
		}}},
	{"a pending value equal to current is refused at once", steps, `TestIdenticalTokens`, []edit{
		{
			"rotation/storing.go",
			"return true, s.differ(pending, current)",
			"return true, s.differ(pending, tokensecret.Value{})",
		}}},
	{"so is one that another invocation stored first", steps, `TestMeanwhile`, []edit{
		{
			"rotation/storing.go",
			"it is adopted\")\n\treturn s.differ(pending, current)",
			"it is adopted\")\n\treturn s.differ(pending, tokensecret.Value{})",
		}}},
	{"a pending token is a UUID", save, `TestRefusals`, []edit{
		{"rotation/versions.go", "if err == nil && !storable(d.Token()) {", "if false {"}}},
	{"a document with other members and without a token is not empty", deputy, `TestRefusals`, []edit{
		{"tokensecret/tokensecret.go", "return Value{}, &OtherMembersError{names(object)}",
			"end := object[len(object)-1].End()\n\t\treturn Value{raw: raw, start: end, end: end, glue: `,\"token\":`}, nil"}}},
	{"an empty token beside a live twin is not empty", deputy, `TestRefusals`, []edit{
		{"tokensecret/tokensecret.go", "err = twin(object)", "_ = twin"}}},
	{"nor is it above a live twin", deputy, `TestRefusals`, []edit{
		{"tokensecret/tokensecret.go", "if holdsToken(inner, value[inner]) {", "if inner == \"\" {"}}},
	{"every other field survives", steps, `TestFewestRequests`, []edit{
		{
			"tokensecret/tokensecret.go",
			"return v.raw[:v.start] + v.glue + strconv.Quote(text) + v.raw[v.end:]",
			"return `{\"token\":` + strconv.Quote(text) + `}`",
		}}},
	{"the new token is stored before Databrain hears of it", otherBug, `TestFewestRequests`, []edit{
		{"rotation/service_create.go", "	exists, err := s.put(ctx, current.With(databrain.NewSecret(uuid.NewString())))\n",
			"	token := databrain.NewSecret(uuid.NewString())\n" +
				"	if jwt, err := s.signIn(ctx); err != nil || s.databrain.SaveServiceToken(ctx, jwt, token) != nil {\n" +
				"		return errNoValue\n	}\n	exists, err := s.put(ctx, current.With(token))\n"}}},

	// createSecret of the grace strategy.
	{"current works before it is rotated", rotate, `TestEveryFault/grace/foreign|TestFewestRequests`, []edit{
		{
			"rotation/service_create.go",
			"standing, cause := s.ask(ctx, current)\n",
			"standing, cause := Absent, error(nil)\n\tif !current.Token().Empty() {\n\t\tstanding = Accepted\n\t}\n",
		}}},
	{"the admin secret is readable before the rotation", rotate, `TestFewestRequests`, []edit{
		{"rotation/service_create.go", "\t_, err := s.admin(ctx)\n", "\tvar err error\n"}}},
	{"enough time is left to rotate and to store", lambda, `TestNoTimeToRotate`, []edit{
		{
			"rotation/service_create.go",
			"if err := s.timeTo(\"rotate and store the answer\"); err != nil {",
			"if err := error(nil); err != nil {",
		}}},
	{"an unknown outcome is not followed by another rotation", rotate, `TestAbsorbed`, []edit{
		{
			"rotation/plan.go",
			"case databrain.Unknown(answer):\n\t\treturn RotatedMint",
			"case databrain.Unknown(answer):\n\t\treturn RotatedUnavailable",
		}}},
	{"a refusal while current works is an earlier rotation", rotate, `TestEveryFault/grace/normal/refuse-in-grace`, []edit{
		{
			"rotation/plan.go",
			"case answer.Class == databrain.ClassAuth && (answer.Status == 401 || answer.Code == \"EXPIRED_SERVICE_TOKEN\"):\n" +
				"\t\treturn RotatedMint",
			"case false:",
		}}},
	{"the wrong contract is named", rotate, `TestPlanRotated|TestRefusals`, []edit{
		{
			"rotation/plan.go",
			"case answer.Class == databrain.ClassAuth, answer.Class == databrain.ClassInvalid:\n\t\treturn RotatedContract",
			"case false:",
		}}},
	{"an answer that names the old token is no new one", rotate, `TestDatabrainEchoesTheOldToken`, []edit{
		{"rotation/service_create.go", "PlanRotated(answer, !token.Equal(current.Token()))", "PlanRotated(answer, true)"}}},
	{"a token that another invocation's displaced is counted", rotate, `TestMeanwhile`, []edit{
		{"rotation/storing.go", "if exists {\n\t\t\ts.orphanPossible = true", "if exists {"}}},
	{"a token that could not be stored is counted", rotate, `TestATokenThatCanNotBeStored`, []edit{
		{"rotation/storing.go", "if !sleep(ctx, pause) {\n\t\t\ts.orphanPossible = true", "if !sleep(ctx, pause) {"}}},
	{"a lost token is counted", rotate, `TestOrphansAreCounted`, []edit{
		{
			"rotation/service_create.go",
			"s.orphanPossible = true\n\t\ts.log.WarnContext(ctx, \"the outcome",
			"s.log.WarnContext(ctx, \"the outcome",
		}}},
	{"Databrain's token is stored again and again", rotate, `TestAbsorbed`, []edit{
		{
			"rotation/storing.go",
			"if !sleep(ctx, pause) {\n\t\t\ts.orphanPossible",
			"if sleep(ctx, pause); true {\n\t\t\ts.orphanPossible",
		}}},

	// setSecret.
	{"the pending value is read again while reads lag", retries, `TestEveryFault/replace/normal/read-lag`, []edit{
		{
			"rotation/versions.go",
			"if !errors.Is(err, errNoValue) || pause > 2*time.Second",
			"if true || pause > 2*time.Second",
		}}},
	{
		"a token that works already is not saved",
		retries,
		`TestEveryFault/replace/old-pending-live|TestFewestRequests`,
		[]edit{
			{
				"rotation/plan.go",
				"case Accepted: // a lost answer, a duplicate, or a retry after a crash\n\t\treturn SetDone\n\tcase Rejected:",
				"case Rejected, Accepted:",
			}},
	},
	{"no answer about pending is no refusal", silence, `TestPlanSet`, []edit{
		{"rotation/plan.go", "return SetDone\n\tcase Rejected:", "return SetDone\n\tcase Rejected, NoAnswer:"}}},
	{"no answer about current is no refusal", silence, `TestPlanSet`, []edit{
		{"rotation/plan.go", "return SetMissing\n\tcase Rejected:", "return SetMissing\n\tcase Rejected, NoAnswer:"}}},
	{"no answer about previous is no refusal", silence, `TestPlanSet`, []edit{
		{"rotation/plan.go", "case previous == NoAnswer:", "case previous == \"\":"}}},
	{
		"a probe without an answer writes nothing",
		silence,
		`TestEveryFault/replace/normal/default|TestEveryFault/replace/foreign`,
		[]edit{
			{"rotation/proving.go", "return NoAnswer, err", "return Rejected, err"}},
	},
	{"a token is overwritten only by one who holds a token that works", deputy, `TestHistories|TestRefusals`, []edit{
		{"rotation/plan.go", "case takeover != TakeoverInvalid:\n\t\treturn SetRejected", "case false:"}}},
	{"an empty AWSCURRENT is filled only if the settings allow it", deputy, `TestPlanSet|TestRefusals`, []edit{
		{"rotation/plan.go", "if takeover == TakeoverEmpty || takeover == TakeoverInvalid {", "if true {"}}},
	{"an abandoned rotation says that previous works", deputy, `TestRefusals`, []edit{
		{"rotation/versions.go", "holder := s.secret.Holder(labelPrevious)", "holder := s.secret.Holder(labelPending)"}}},
	{"an AWSPREVIOUS of any form does not stop a takeover", deputy, `TestRotations`, []edit{
		{"rotation/service_set.go", "case err != nil && label == labelPrevious:", "case false:"}}},
	{"an AWSPREVIOUS that falls silent stops no refusal", deputy, `TestPlanSet`, []edit{
		{
			"rotation/plan.go",
			"case takeover != TakeoverInvalid:\n\t\treturn SetRejected\n\tcase previous == NoAnswer:",
			"case previous == NoAnswer:",
		}}},
	{"the right to move a label is proven before the old token dies", move, `TestFewestRequests`, []edit{
		{"rotation/service_set.go", "return s.mayMoveLabels(ctx)", "return nil"}}},
	{"nobody signs in before a save is decided", signIn, `TestFewestRequests`, []edit{
		{"rotation/service_set.go", "_, err := q.admin(ctx)", "_, err := q.signIn(ctx)"}}},
	{"a denial of that right stops setSecret", move, `TestDeniedMove`, []edit{
		{"rotation/versions.go", "strings.HasPrefix(api.ErrorCode(), \"AccessDenied\")",
			"strings.HasPrefix(api.ErrorCode(), \"Nothing\")"}}},
	{"the proof moves no label of another version", move, `TestFewestRequests`, []edit{
		{
			"rotation/versions.go",
			"MoveToVersionId: &s.event.Version, RemoveFromVersionId: &s.event.Version,",
			"MoveToVersionId: &s.event.Version,",
		}}},
	{"a connection that was never made sent nothing", rotate, `TestOrphansAreCounted`, []edit{
		{"databrain/client.go", "e.unknown = !progress.NothingSent()", "_ = progress"}}},
	{"a header that was written may have taken effect", rotate, `TestOrphansAreCounted`, []edit{
		{"databrain/client.go", "e.unknown = !progress.NothingSent()", "e.unknown = progress == nil"}}},
	{"an answer with another 2xx counts", rotate, `TestOrphansAreCounted`, []edit{
		{"databrain/client.go", "if resp.StatusCode/100 != 2 {", "if resp.StatusCode != http.StatusOK {"}}},
	{"an attempt of the SDK that hangs is not the only one", lambda, `TestAbsorbed`, []edit{
		{"transport/bounded.go", "func() { cancel(stalled) })", "func() {})"}}},
	{"one sign-in", signIn, `TestFewestRequests`, []edit{
		{
			"rotation/service_admin.go",
			"\tjwt, err := s.databrain.SignIn(ctx, credentials)\n",
			"\ts.databrain.SignIn(ctx, credentials)\n\tjwt, err := s.databrain.SignIn(ctx, credentials)\n",
		}}},
	{"an unknown outcome of the POST is looked into", save, `TestAbsorbed`, []edit{
		{"rotation/service_set.go", "if !databrain.Unknown(err) {", "if true {"}}},
	{"a definite refusal of the POST is not repeated", save, `TestDefiniteRefusals`, []edit{
		{"rotation/service_set.go", "if !databrain.Unknown(err) {", "if false {"}}},
	{"a saved token that works ends the step", save, `TestAbsorbed`, []edit{
		{"rotation/service_set.go", "case standing == Accepted:\n\t\t\ts.log", "case false:\n\t\t\ts.log"}}},
	{"the POST is made twice at the most", save, `TestSaveIsNotRepeatedForEver`, []edit{
		{"rotation/service_set.go", "case attempt == 2:", "case attempt == 9:"}}},
	{"a replica that lags is waited for", save, `TestEveryFault/replace/normal/propagation`, []edit{
		{
			"rotation/proving.go",
			"switch standing, err := s.await(ctx, token); standing {",
			"switch standing, err := s.probe(ctx, token); standing {",
		}}},
	{"AWSPENDING stays when setSecret fails", otherBug, `TestEveryFault/replace/normal/default`, []edit{
		{"rotation/service_set.go", "	return s.setAs(ctx, action, q)\n",
			"	return s.dropPending(ctx, s.setAs(ctx, action, q))\n"},
		{
			"rotation/versions.go",
			"func (s *step) pendingMissing(err error) error {",
			"func (s *step) dropPending(ctx context.Context, err error) error {\n	if err != nil {\n" +
				"		s.secrets.UpdateSecretVersionStage(ctx, " +
				"&secretsmanager.UpdateSecretVersionStageInput{SecretId: &s.event.SecretID, " +
				"VersionStage: aws.String(labelPending), RemoveFromVersionId: &s.event.Version})\n	}\n	return err\n}\n\n" +
				"func (s *step) pendingMissing(err error) error {",
		}}},
	{"the old token is not put back when setSecret fails", otherBug, `TestEveryFault/replace/normal/default`, []edit{
		{
			"rotation/service_set.go",
			"return s.unavailable(\"save service token, then probe\", probeErr)",
			"if old, err := s.current(ctx); err == nil {\n\t\t\t\ts.databrain.SaveServiceToken(ctx, jwt, old.Token())\n" +
				"\t\t\t}\n\t\t\treturn s.unavailable(\"save service token, then probe\", probeErr)",
		},
		{
			"rotation/service_set.go",
			"return s.unavailable(\"save service token, twice\", err)",
			"if old, err := s.current(ctx); err == nil {\n\t\t\t\ts.databrain.SaveServiceToken(ctx, jwt, old.Token())\n" +
				"\t\t\t}\n\t\t\treturn s.unavailable(\"save service token, twice\", err)",
		},
		{"rotation/service_set.go", "case attempt == 2:", "case attempt == 1:"}}},

	// testSecret.
	{"testSecret proves authentication", steps, `TestFewestRequests|TestRotations`, []edit{
		{"rotation/service_testsecret.go", "if err = s.proven(ctx, pending.Token()); err == nil {", "if err == nil {"}}},
	{
		"a rejected token does not pass for one that is reachable",
		otherBug,
		`TestEveryFault/replace/normal/default|TestFewestRequests`,
		[]edit{
			{"rotation/proving.go", "return Rejected, err\n", "return Accepted, nil\n"}},
	},
	{"testSecret alone is a pre-flight", steps, `TestPreflight`, []edit{
		{
			"rotation/service_testsecret.go",
			"if errors.Is(err, errNoValue) || err == nil && pending.Token().Empty() {",
			"if errors.Is(err, errNoValue) && false {",
		}}},
	{"a pre-flight without an answer fails", silence, `TestRefusals`, []edit{
		{
			"rotation/service_testsecret.go",
			"return s.unavailable(\"pre-flight probe of AWSCURRENT\", cause)",
			"_ = cause\n\treturn nil",
		}}},
	{"the pre-flight reads the admin secret", steps, `TestPreflight|TestRefusals`, []edit{
		{"rotation/service_testsecret.go", "if _, err := s.admin(ctx); err != nil {", "if err := error(nil); err != nil {"}}},
	{"the pre-flight needs a token that works", steps, `TestPlanPreflight|TestRefusals`, []edit{
		{
			"rotation/plan.go",
			"case current == Rejected:\n\t\treturn PreflightRejected",
			"case current == Rejected:\n\t\treturn PreflightDone",
		}}},

	// finishSecret.
	{"a token that was rejected a moment ago is not promoted", steps, `TestTwoInvocations|TestPlanFinish`, []edit{
		{"rotation/plan.go", "return FinishRejected\n", "return FinishMove\n"}}},
	{"an instance that is down does not stop the move", steps, `TestAbsorbed`, []edit{
		{"rotation/plan.go", "return FinishMoveUnproven\n", "return FinishRejected\n"}}},
	{"an identical token is not promoted", steps, `TestIdenticalTokens`, []edit{
		{
			"rotation/finish.go",
			"if err := s.differ(pending, current); err != nil {",
			"if err := s.differ(pending, current); err != nil && false {",
		}}},
	{"the holder of the label is named", move, `TestFewestRequests`, []edit{
		{
			"rotation/finish.go",
			"if holder := s.secret.Holder(labelCurrent); holder != \"\" {",
			"if holder := s.secret.Holder(labelCurrent); false {",
		}}},
	{"the holder is looked up by the label", move, `TestFewestRequests`, []edit{
		{
			"rotation/finish.go",
			"if holder := s.secret.Holder(labelCurrent); holder != \"\" {",
			"if holder := s.secret.Holder(labelPending); holder != \"\" {",
		}}},
	{"a label that somebody moved is not forced", move, `TestMeanwhile`, []edit{
		{
			"rotation/finish.go",
			"case GuardProceed:\n\t\ts.leftToOthers()\n\t\treturn s.fail(LabelMoved",
			"case GuardProceed:\n\t\treturn s.move(ctx)\n\tcase \"\":\n\t\treturn s.fail(LabelMoved",
		}}},
	{"a label that moved is looked at again", move, `TestAbsorbed`, []edit{
		{
			"rotation/finish.go",
			"return s.afterLostMove(ctx)",
			"return s.secretsManager(\"UpdateSecretVersionStage of AWSCURRENT\", err)",
		}}},
	{"a command names the version that has AWSCURRENT", lambda, `TestAdviceOfErrors`, []edit{
		{"rotation/errors.go", "case s.secret.Labels == nil:", "case false:"}}},
	{"a cancelled rotation is looked at before it is switched on", lambda, `TestAdviceOfErrors`, []edit{
		{"rotation/rotator.go", "if pending == \"\" || pending == s.secret.Holder(labelCurrent) {", "if true {"}}},
	{"whatever fails after the save says which token works", lambda, `TestDeniedMove`, []edit{
		{"rotation/errors.go", "if s.saved {", "if false {"}}},
	{"nothing follows the move", steps, `TestFewestRequests`, []edit{
		{
			"rotation/finish.go",
			"aws.ToString(in.RemoveFromVersionId)))\n",
			"aws.ToString(in.RemoveFromVersionId)))\n" +
				"\t\ts.secrets.UpdateSecretVersionStage(ctx, " +
				"&secretsmanager.UpdateSecretVersionStageInput{SecretId: &s.event.SecretID, " +
				"VersionStage: aws.String(labelPending), RemoveFromVersionId: &s.event.Version})\n",
		}}},

	// Every step.
	{"half a second is left to report", lambda, `TestShortTimeOut`, []edit{
		{"rotation/rotator.go", "deadline: deadline.Add(-reportTime)", "deadline: deadline"}}},
	{"no token in a log", silent, `TestFewestRequests`, []edit{
		{
			"rotation/proving.go",
			"\"Databrain accepts the pending token\")",
			"\"Databrain accepts the pending token\", \"token\", token.Reveal())",
		}}},
	{"no RotationToken in a log", silent, `TestEveryFault/replace/normal/default`, []edit{
		{
			"rotation/event.go",
			"slog.String(\"clientRequestToken\", e.Version)}",
			"slog.String(\"clientRequestToken\", e.Version), slog.String(\"authorisation\", e.RotationToken.Reveal())}",
		}}},
	{"no message of AWS that quotes the request", silent, `TestEveryFault/replace/normal/default`, []edit{
		{
			"rotation/versions.go",
			"return false, s.secretsManager(\"PutSecretValue of AWSPENDING\", err)",
			"return false, s.fail(SecretsManagerFailed, err, \"PutSecretValue\", \"\")",
		}}},
	{"errors have names", lambda, `TestEveryFault/replace/normal/default`, []edit{
		{
			"rotation/versions.go",
			"return s.secretsManager(\"DescribeSecret\", err)",
			"return errors.Join(s.secretsManager(\"DescribeSecret\", err))",
		}}},
	{"only a takeover that succeeds counts as healed", deputy, `TestRefusals`, []edit{
		{"rotation/metrics.go", "if s.tookOver && failure == nil {", "if s.tookOver {"}}},
	{"a takeover is counted", deputy, `TestRotations|TestStepMetrics`, []edit{
		{"rotation/service_set.go", "s.tookOver = true", "s.tookOver = false"}}},

	// API tokens of data apps.
	{"a key that is not listed is not rotated again", listed, `TestPlanAPIToken`, []edit{
		{"rotation/apitoken_plan.go", "\tif own == nil { // it was", "\tif false { // it was"}}},
	{"AWSPREVIOUS's key is no successor", listed, `TestPlanAPIToken`, []edit{
		{"rotation/apitoken_plan.go", "k.Fingerprint == s.Previous || own", "own"}}},
	{"an older key is no successor", listed, `TestPlanAPIToken`, []edit{
		{"rotation/apitoken_plan.go", " || own != nil && before(k, *own)", ""}}},
	{"a key of the same date may be older", listed, `TestPlanAPIToken`, []edit{
		{"rotation/apitoken_plan.go", "\t\t\tplan.Action = KeyUndated\n", ""}}},
	{"the name may be that of another token", listed, `TestPlanAPIToken`, []edit{
		{"rotation/apitoken_plan.go", "case own.Name != s.Name:", "case false:"}}},
	{"no answer about a listed key is not a refusal", silence, `TestPlanAPIToken`, []edit{
		{"rotation/apitoken_plan.go", "\t\t\treturn APITokenPlan{KeyUnavailable, []ListedKey{k}}\n", ""}}},
	{"nobody chooses among keys of one date", listed, `TestPlanAPIToken`, []edit{
		{"rotation/apitoken_plan.go", "APITokenPlan{KeyTied, accepted}", "APITokenPlan{one, accepted[:1]}"}}},
	{"a dead key is not imported", listed, `TestPlanAPIToken`, []edit{
		{"rotation/apitoken_plan.go", "\t\tcase Rejected:\n\t\tdefault:\n\t\t\treturn", "\t\tdefault:\n\t\t\treturn"}}},
	{"only a key that was not listed before is a lost answer", listed, `TestPlanLostAnswer`, []edit{
		{"rotation/apitoken_plan.go", "if known || k", "_ = known\n\t\tif k"}}},
	{"a key of the name goes before one of a new name", listed, `TestPlanLostAnswer`, []edit{
		{
			"rotation/apitoken_plan.go",
			"range [][]ListedKey{named, derived}",
			"range [][]ListedKey{append(derived, named...)}",
		}}},
	{"a name that was made of another token's is not ours", listed, `TestPlanLostAnswer`, []edit{
		{"rotation/apitoken_plan.go", "&& len(known.Name) > len(longest) {", "{"}}},
	{"nobody chooses among keys of new names", listed, `TestPlanLostAnswer`, []edit{
		{"rotation/apitoken_plan.go", "if len(strange) > 1 {", "if false {"}}},
	{"an instance of many data apps cannot keep a key from its successor", listed, `TestALargeInstanceHeals`, []edit{
		{
			"rotation/apitoken_list.go",
			"if i >= mostSearched || s.deadline.Sub(s.now()) <",
			"if i < 0 && s.deadline.Sub(s.now()) <",
		}}},
	{"a proxy's 401 is no answer of the API", rotate, `TestPlanRotatedDefiniteRefusals`, []edit{
		{"rotation/plan.go", "case answer.Class == databrain.ClassAuth && answer.Code == \"\":", "case false:"}}},
	{"nor is it one about an API token", rotate, `TestPlanMade`, []edit{
		{"rotation/apitoken_plan.go", "case answer.Class == databrain.ClassAuth && answer.Code == \"\":", "case false:"}}},
	{"a lost answer is looked for in the list", listed, `TestKeyAdoptedIsCounted`, []edit{
		{
			"rotation/apitoken_create.go",
			"case MadeLook, MadeContract, MadeInGrace:",
			"case MadeContract, MadeInGrace:",
		}}},
	{"a key that was adopted is counted", listed, `TestKeyAdoptedIsCounted`, []edit{
		{"rotation/apitoken_create.go", "\ts.tookOver = true\n", ""}}},
	{"a service token is no key", deputy, `TestKeyRefusals`, []edit{
		{"rotation/apitoken_look.go", "\tif service {", "\tif false {"}}},
	{"the key of another app is found", deputy, `TestKeyRefusals`, []edit{
		{"rotation/apitoken_look.go", "\tif app != \"\" {", "\tif false {"}}},
	{"no answer about a service token is not a refusal", silence, `TestEveryFault/key/by-hand/default`, []edit{
		{"rotation/apitoken_look.go", "if err != nil && !databrain.Rejected(err) {", "if false {"}}},
	{"the service token's secret is not the rotated one", deputy, `TestKeySecretIsNotTheServiceTokens`, []edit{
		{"rotation/apitoken.go", "if s.secret.is(s.config.ServiceTokenSecretID) {", "if false {"}}},
	{"the service token of AWSPENDING is tried", retries, `TestEveryFault/key/service-rotates/default`, []edit{
		{"rotation/apitoken_list.go", "if !s.spare {", "if false {"}}},
	{"a list with an unreadable key decides nothing", listed, `TestKeyRefusals`, []edit{
		{"rotation/apitoken_list.go", "\t\t\tif err != nil {\n\t\t\t\treturn nil, err",
			"\t\t\tif err != nil && err != databrain.ErrEntry {\n\t\t\t\treturn nil, err"}}},
	{"a page is not taken for the whole list", listed, `TestALongList`, []edit{
		{"rotation/apitoken_list.go", "if fresh == 0 || length%listPage != 0 {", "if true {"}}},
	{"a key is not made without the time to store it", lambda, `TestNoTimeToMakeAKey`, []edit{
		{"rotation/storing.go", "if s.deadline.Sub(s.now()) >= rotateTime+storeTime {", "if true {"}}},
	{"the pending key is the data app's", deputy, `TestKeyRefusals`, []edit{
		{"rotation/apitoken_testsecret.go", "return s.belongs(ctx, pending)", "return nil"}}},
	{"the other contract is named", listed, `TestKeyRefusals`, []edit{
		{
			"rotation/apitoken_plan.go",
			"case answer.Class == databrain.ClassAuth, answer.Class == databrain.ClassInvalid:",
			"case false:",
		}}},
	{"a data app is required", deputy, `TestKeyRefusals`, []edit{
		{"tokensecret/apitoken.go", "_, found := members[field]; !found {",
			"_, found := members[field]; false {\n\t\t\t_ = found"}}},
}
