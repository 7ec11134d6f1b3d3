package k8ssecret

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/testkit/servers"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// memoryAPI behaves as an API server does, as far as credsync's requests go: Secrets with
// their versions, field managers and finalizers, lists in pages, dry runs, workloads,
// and roles of service accounts. The acceptance tests run the same tests against a real
// one.
type memoryAPI struct {
	mu         sync.Mutex
	made       int
	namespaces map[string]bool
	secrets    map[string]*managed
	workloads  map[string]object
	roles      map[string][]servers.Rule
	bindings   map[string][]string // by account and namespace, names of roles
	tokens     map[string]string   // users by their tokens
}

// managed is a Secret with what each field manager has set, by its kind of write.
type managed struct {
	corev1.Secret
	fields map[string]map[string]bool
}

func newMemoryAPI(t *testing.T) *servers.KubernetesServer {
	return servers.KubernetesStandIn(t, &memoryAPI{
		namespaces: map[string]bool{
			metav1.NamespaceSystem: true,
		}, secrets: map[string]*managed{}, workloads: map[string]object{},
		roles: map[string][]servers.Rule{}, bindings: map[string][]string{}, tokens: map[string]string{"credsync-admin": ""},
	})
}

func (a *memoryAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(w, 400, "BadRequest", err.Error(), nil)
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	_, known := a.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	switch {
	case !known:
		fail(w, 401, "Unauthorized", "Unauthorized", nil)
	case strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/") && len(parts) >= 5 && parts[4] == "secrets":
		a.secret(w, r, parts[3], strings.Join(parts[5:], "/"), body)
	case strings.HasPrefix(r.URL.Path, "/apis/apps/v1/namespaces/"):
		a.workload(w, r, parts, body)
	case r.URL.Path == "/apis/authorization.k8s.io/v1/subjectaccessreviews":
		answerWith(w, object{"status": object{"allowed": true}})
	default:
		a.administer(w, r, parts, body)
	}
}

// administer answers what only tests ask for, and who a cluster is.
func (a *memoryAPI) administer(w http.ResponseWriter, r *http.Request, parts []string, body []byte) {
	var o struct {
		Metadata metav1.ObjectMeta
		Rules    []servers.Rule
		RoleRef  struct{ Name string }
		Subjects []struct{ Namespace, Name string }
	}
	_ = json.Unmarshal(body, &o)
	answer := object{"kind": "Status"}
	switch last := parts[len(parts)-1]; {
	case r.Method == http.MethodGet && last == metav1.NamespaceSystem:
		if a.who(r) != "" {
			deny(w, a.who(r), "get", "namespaces", metav1.NamespaceSystem, metav1.NamespaceSystem)
			return
		}
		answer = namespaceObject(fmt.Sprintf("uid-of-%p", a))
	case last == "namespaces":
		a.namespaces[o.Metadata.Name] = true
	case last == "roles":
		a.roles[parts[4]+"/"+o.Metadata.Name] = o.Rules
	case last == "rolebindings":
		at := o.Subjects[0].Namespace + ":" + o.Subjects[0].Name + " " + parts[4]
		a.bindings[at] = append(a.bindings[at], o.RoleRef.Name)
	case last == "token":
		token := fmt.Sprintf("token-%d", len(a.tokens))
		a.tokens[token] = "system:serviceaccount:" + parts[3] + ":" + parts[5]
		answer["status"] = object{"token": token}
	}
	answerWith(w, answer)
}

// who is the user of a request; "" for the administrator.
func (a *memoryAPI) who(r *http.Request) string {
	return a.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
}

func (a *memoryAPI) allowed(user, verb, group, resource, namespace, name string) bool {
	if user == "" {
		return true
	}
	account := strings.TrimPrefix(user, "system:serviceaccount:")
	for _, role := range a.bindings[account+" "+namespace] {
		for _, rule := range a.roles[namespace+"/"+role] {
			if slices.Contains(rule.Verbs, verb) && slices.Contains(rule.APIGroups, group) &&
				slices.Contains(rule.Resources, resource) &&
				(len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, name)) {
				return true
			}
		}
	}
	return false
}

func deny(w http.ResponseWriter, user, verb, resource, namespace, name string) {
	what := resource
	if name != "" {
		what += fmt.Sprintf(" %q", name)
	}
	fail(w, 403, "Forbidden", fmt.Sprintf(`%s is forbidden: User %q cannot %s resource %q in API group "" in the namespace %q`, what, user, verb, resource, namespace), object{"kind": resource})
}

func (a *memoryAPI) secret(w http.ResponseWriter, r *http.Request, namespace, name string, body []byte) {
	verb := map[string]string{http.MethodGet: "get", http.MethodPost: "create", http.MethodPatch: "patch", http.MethodDelete: "delete"}[r.Method]
	if verb == "get" && name == "" {
		verb = "list"
	}
	if user := a.who(r); !a.allowed(user, verb, "", "secrets", namespace, name) {
		deny(w, user, verb, "secrets", namespace, name)
		return
	}
	live := a.secrets[namespace+"/"+name]
	switch {
	case verb == "list":
		a.list(w, r, namespace)
	case verb == "create":
		a.create(w, r, namespace, body)
	case live == nil:
		fail(w, 404, "NotFound", fmt.Sprintf("secrets %q not found", name), object{"kind": "secrets", "name": name})
	case verb == "get":
		answerWithSecret(w, live)
	case verb == "delete":
		a.remove(w, live, body)
	default:
		a.patch(w, r, live, body)
	}
}

func answerWithSecret(w http.ResponseWriter, s *managed) {
	answer := s.DeepCopy()
	answer.TypeMeta = metav1.TypeMeta{Kind: "Secret", APIVersion: "v1"}
	answer.ManagedFields = s.entries()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (a *memoryAPI) list(w http.ResponseWriter, r *http.Request, namespace string) {
	q := r.URL.Query()
	selector, err := labels.Parse(q.Get("labelSelector"))
	if err != nil {
		fail(w, 400, "BadRequest", err.Error(), nil)
		return
	}
	var items []object
	for _, path := range slices.Sorted(maps.Keys(a.secrets)) {
		s := a.secrets[path]
		if s.Namespace != namespace || !selector.Matches(labels.Set(s.Labels)) {
			continue
		}
		item := object{"metadata": s.ObjectMeta}
		if !strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadataList") {
			item["data"], item["type"] = s.Data, s.Type
		}
		items = append(items, item)
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	from, _ := strconv.Atoi(q.Get("continue"))
	meta := object{}
	if limit > 0 && len(items) > from+limit {
		meta["continue"] = strconv.Itoa(from + limit)
		items = items[:from+limit]
	}
	answerWith(w, object{"kind": "List", "apiVersion": "v1", "metadata": meta, "items": items[from:]})
}

func (a *memoryAPI) create(w http.ResponseWriter, r *http.Request, namespace string, body []byte) {
	s := &managed{fields: map[string]map[string]bool{}}
	if err := json.Unmarshal(body, &s.Secret); err != nil {
		fail(w, 400, "BadRequest", err.Error(), nil)
		return
	}
	s.Namespace = namespace
	switch {
	case !a.namespaces[namespace]:
		fail(w, 404, "NotFound", fmt.Sprintf("namespaces %q not found", namespace), object{"kind": "namespaces", "name": namespace})
		return
	case a.secrets[namespace+"/"+s.Name] != nil:
		fail(w, 409, "AlreadyExists", fmt.Sprintf("secrets %q already exists", s.Name), object{"kind": "secrets", "name": s.Name})
		return
	}
	if s.Type == "" {
		s.Type = corev1.SecretTypeOpaque
	}
	s.settle()
	if invalidSecret(w, s) {
		return
	}
	a.made++
	s.UID = types.UID(fmt.Sprintf("uid-%d", a.made))
	s.note(r.URL.Query().Get("fieldManager")+"/Update", &corev1.Secret{}, &s.Secret)
	a.keep(w, r, s)
}

// keep stores a Secret at a new version, unless it is only tried.
func (a *memoryAPI) keep(w http.ResponseWriter, r *http.Request, s *managed) {
	a.made++
	s.ResourceVersion = strconv.Itoa(a.made)
	if r.URL.Query().Get("dryRun") != metav1.DryRunAll {
		a.secrets[s.Namespace+"/"+s.Name] = s
		if s.DeletionTimestamp != nil && len(s.Finalizers) == 0 {
			delete(a.secrets, s.Namespace+"/"+s.Name)
		}
	}
	answerWithSecret(w, s)
}

func (a *memoryAPI) remove(w http.ResponseWriter, live *managed, body []byte) {
	var o metav1.DeleteOptions
	_ = json.Unmarshal(body, &o)
	if p := o.Preconditions; p != nil &&
		(p.UID != nil && *p.UID != live.UID || p.ResourceVersion != nil && *p.ResourceVersion != live.ResourceVersion) {
		fail(w, 409, "Conflict", "the precondition does not hold", object{"kind": "secrets"})
		return
	}
	if len(live.Finalizers) > 0 {
		now := metav1.Now()
		live.DeletionTimestamp = &now
	} else {
		delete(a.secrets, live.Namespace+"/"+live.Name)
	}
	answerWith(w, object{"kind": "Status", "apiVersion": "v1", "status": "Success"})
}

// patch merges into a Secret, or applies to it.
func (a *memoryAPI) patch(w http.ResponseWriter, r *http.Request, live *managed, body []byte) {
	var change object
	if err := json.Unmarshal(body, &change); err != nil {
		fail(w, 400, "BadRequest", err.Error(), nil)
		return
	}
	var named corev1.Secret
	meta, _ := change["metadata"].(object)
	named.ResourceVersion, _ = meta["resourceVersion"].(string)
	uid, _ := meta["uid"].(string)
	if named.ResourceVersion != "" && named.ResourceVersion != live.ResourceVersion ||
		uid != "" && uid != string(live.UID) {
		fail(w, 409, "Conflict", "the object has been modified", object{"kind": "secrets"})
		return
	}
	manager, applies := r.URL.Query().Get("fieldManager"), r.Header.Get("Content-Type") == string(types.ApplyPatchType)
	if applies && r.URL.Query().Get("force") != "true" {
		fail(w, 409, "Conflict", "conflicts with other field managers", object{"kind": "secrets"})
		return
	}
	next := &managed{fields: map[string]map[string]bool{}}
	for by, fields := range live.fields {
		next.fields[by] = maps.Clone(fields)
	}
	if applies {
		next.release(manager, change)
	}
	encoded, _ := json.Marshal(live.Secret)
	var base object
	_ = json.Unmarshal(encoded, &base)
	if applies {
		next.forget(base)
	}
	merged, _ := json.Marshal(mergeJSON(base, change))
	if err := json.Unmarshal(merged, &next.Secret); err != nil {
		fail(w, 422, "Invalid", err.Error(), nil)
		return
	}
	next.settle()
	if invalidSecret(w, next) {
		return
	}
	if applies {
		var applied corev1.Secret
		_ = json.Unmarshal(body, &applied)
		next.claim(manager+"/Apply", paths(&applied))
	} else {
		next.note(manager+"/Update", &live.Secret, &next.Secret)
	}
	a.keep(w, r, next)
}

// mergeJSON is a merge patch (RFC 7386).
func mergeJSON(to any, patch any) any {
	changes, ok := patch.(object)
	if !ok {
		return patch
	}
	merged, _ := to.(object)
	merged = maps.Clone(merged)
	if merged == nil {
		merged = object{}
	}
	for key, value := range changes {
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = mergeJSON(merged[key], value)
		}
	}
	return merged
}

// settle makes data of plain text, as the API server does.
func (s *managed) settle() {
	for key, value := range s.StringData {
		if s.Data == nil {
			s.Data = map[string][]byte{}
		}
		s.Data[key] = []byte(value)
	}
	s.StringData = nil
}

// paths are the fields of a Secret that have a manager.
func paths(s *corev1.Secret) map[string]string {
	found := map[string]string{}
	for key, value := range s.Data {
		found["data/"+key] = string(value)
	}
	for key, value := range s.StringData {
		found["stringData/"+key] = value
	}
	for key, value := range s.Labels {
		found["labels/"+key] = value
	}
	for key, value := range s.Annotations {
		found["annotations/"+key] = value
	}
	return found
}

// note gives a manager what it has changed.
func (s *managed) note(by string, before, after *corev1.Secret) {
	was, is, changed := paths(before), paths(after), map[string]string{}
	for path, value := range is {
		if old, ok := was[path]; !ok || old != value {
			changed[path] = value
		}
	}
	for path := range was {
		if _, ok := is[path]; !ok {
			for _, fields := range s.fields {
				delete(fields, path)
			}
		}
	}
	s.claim(by, changed)
}

// claim makes a manager the owner of fields, which no other of another name has then.
func (s *managed) claim(by string, of map[string]string) {
	name, _, _ := strings.Cut(by, "/")
	for other, fields := range s.fields {
		if !strings.HasPrefix(other, name+"/") {
			maps.DeleteFunc(fields, func(path string, _ bool) bool { _, ok := of[path]; return ok })
		}
	}
	if strings.HasSuffix(by, "/Apply") || s.fields[by] == nil {
		s.fields[by] = map[string]bool{}
	}
	for path := range of {
		s.fields[by][path] = true
	}
}

// release takes from a manager what it applied before and does not apply any more.
func (s *managed) release(manager string, change object) {
	encoded, _ := json.Marshal(change)
	var applied corev1.Secret
	_ = json.Unmarshal(encoded, &applied)
	now := paths(&applied)
	for path := range s.fields[manager+"/Apply"] {
		if _, ok := now[path]; !ok {
			if s.fields[released] == nil {
				s.fields[released] = map[string]bool{}
			}
			s.fields[released][path] = true
		}
	}
}

// released stands for a manager of fields that nobody applies any more.
const released = "released"

// forget removes released fields that nobody else owns.
func (s *managed) forget(base object) {
	gone := s.fields[released]
	delete(s.fields, released)
	for path := range gone {
		owners := 0
		for _, fields := range s.fields {
			if fields[path] {
				owners++
			}
		}
		part, key, _ := strings.Cut(path, "/")
		in := base
		if part != "data" {
			in, _ = base["metadata"].(object)
		}
		if values, ok := in[part].(object); ok && owners == 1 {
			delete(values, key)
		}
	}
}

func (s *managed) entries() (list []metav1.ManagedFieldsEntry) {
	for _, by := range slices.Sorted(maps.Keys(s.fields)) {
		name, operation, _ := strings.Cut(by, "/")
		parts := map[string]object{}
		for path := range s.fields[by] {
			part, key, _ := strings.Cut(path, "/")
			if parts[part] == nil {
				parts[part] = object{}
			}
			parts[part]["f:"+key] = object{}
		}
		raw, _ := json.Marshal(object{"f:data": parts["data"], "f:stringData": parts["stringData"], "f:metadata": object{"f:labels": parts["labels"], "f:annotations": parts["annotations"]}})
		list = append(list, metav1.ManagedFieldsEntry{
			Manager: name, Operation: metav1.ManagedFieldsOperationType(operation), FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1(string(raw)),
		})
	}
	return list
}

// invalidSecret refuses what a type does not allow, as far as the tests try it.
func invalidSecret(w http.ResponseWriter, s *managed) bool {
	refuse := func(reason, key string) bool {
		fail(w, 422, "Invalid", "the Secret is invalid", object{"kind": "secrets", "causes": []object{{"reason": reason, "field": "data[" + key + "]", "message": string(s.Data[key])}}})
		return true
	}
	switch s.Type {
	case corev1.SecretTypeTLS:
		for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
			if _, ok := s.Data[key]; !ok {
				return refuse("FieldValueRequired", key)
			}
		}
	case corev1.SecretTypeDockerConfigJson:
		if !json.Valid(s.Data[corev1.DockerConfigJsonKey]) {
			return refuse("FieldValueInvalid", corev1.DockerConfigJsonKey)
		}
	case corev1.SecretTypeDockercfg:
		if !json.Valid(s.Data[corev1.DockerConfigKey]) {
			return refuse("FieldValueInvalid", corev1.DockerConfigKey)
		}
	}
	return false
}

func (a *memoryAPI) workload(w http.ResponseWriter, r *http.Request, parts []string, body []byte) {
	var o object
	_ = json.Unmarshal(body, &o)
	namespace, resource := parts[4], parts[5]
	if r.Method == http.MethodPost {
		name, _ := o["metadata"].(object)["name"].(string)
		o["metadata"].(object)["generation"] = 1.0
		a.workloads[namespace+"/"+resource+"/"+name] = o
		answerWith(w, o)
		return
	}
	name := parts[6]
	live := a.workloads[namespace+"/"+resource+"/"+name]
	switch user := a.who(r); {
	case !a.allowed(user, "patch", "apps", resource, namespace, name):
		deny(w, user, "patch", resource, namespace, name)
		return
	case live == nil:
		fail(w, 404, "NotFound", fmt.Sprintf("%s %q not found", resource, name), object{"kind": resource, "name": name})
		return
	case r.Method == http.MethodPatch && r.URL.Query().Get("dryRun") == "":
		next := mergeJSON(live, o).(object)
		if fmt.Sprint(next) != fmt.Sprint(live) {
			meta := maps.Clone(next["metadata"].(object))
			meta["generation"] = meta["generation"].(float64) + 1
			next["metadata"] = meta
		}
		a.workloads[namespace+"/"+resource+"/"+name], live = next, next
	}
	answerWith(w, live)
}

// What the acceptance tests ask of a real API server and no other program has a part in.
func TestWithAnAPIServerInMemory(t *testing.T) {
	start := func(t *testing.T) *servers.KubernetesServer { return newMemoryAPI(t) }
	k := start(t)
	for name, test := range map[string]func(*testing.T, *cluster){
		"Conformance":                  testConformance,
		"ConformanceState":             testConformanceState,
		"ConformanceLeastPrivilege":    testConformanceLeastPrivilege,
		"MarksInTheSameWrite":          testMarks,
		"OthersMetadataIsNotDrift":     testNoFalseDrift,
		"ChangedAndMissingKeysAre":     testDrift,
		"OthersKeysAreReplaced":        testReplacesOthersKeys,
		"DroppedLabelsGo":              testDroppedLabels,
		"MergeKeepsOtherAccounts":      testMergeOfTwoAccounts,
		"AppliedByAnother":             testContested,
		"EditedByHandIsRepaired":       testEditedByHand,
		"NamesTheOwner":                testNamesTheOwner,
		"Immutable":                    testImmutable,
		"BeingDeleted":                 testBeingDeleted,
		"MissingNamespace":             testMissingNamespace,
		"TypeIsKept":                   testType,
		"TooLargeOrMisnamed":           testRefusedBeforeSending,
		"RecreatedIsAnotherVersion":    testRecreated,
		"OneClusterIsOnePlace":         testPlaces,
		"LabelDoesNotHinderAWrite":     testLabelMeanwhile,
		"DeniedNamesTheRule":           testDenied,
		"Preflight":                    testPreflight,
		"PreflightOfTypedSecrets":      testPreflightTyped,
		"PreflightOfRestarts":          testPreflightRestarts,
		"PreflightInOneRequestMore":    testPreflightRequests,
		"RecordsAreWrittenAtOnce":      testRecordInOneRequest,
		"StateIsListedPageByPage":      testPages,
		"ManyTargetsAreLookedAtAtOnce": testStatMany,
		"StateOfAnotherPrefixIsHidden": testPrefixes,
		"WorkloadsAreRestartedOnce":    testRestarts,
		"ExecPlugin":                   testExecPlugin,
	} {
		t.Run(name, func(t *testing.T) { test(t, newCluster(t, k, start)) })
	}
}
