using System.Collections.Immutable;
using CertAuthority.Access.Locks;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>What one rule does to a login.</summary>
public enum RuleEffect
{
    /// <summary>It grants.</summary>
    Allows,

    /// <summary>It would grant, and does not fit what was asked.</summary>
    Misses,

    /// <summary>It takes away, from every role in use.</summary>
    Denies,

    /// <summary>It bounds: how long, from where, which command, on one host only.</summary>
    Limits,

    /// <summary>The role cannot be used, and so nobody logs in with it.</summary>
    Refuses,
}

/// <summary>One rule at work.</summary>
/// <param name="Effect">What it does.</param>
/// <param name="Field">Where it stands: <c>allow.node_labels</c>.</param>
/// <param name="Entry">What it says: <c>env: prod</c>; empty where it says nothing.</param>
/// <param name="Why">What that means here.</param>
public sealed record RuleAtWork(RuleEffect Effect, string Field, string Entry, string Why);

/// <summary>A role behind a verdict.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Request">The request that adds it; null for an assigned one.</param>
/// <param name="Rules">Its rules that matter, in the order of the resource.</param>
public sealed record RoleAtWork(string Name, Guid? Request, ImmutableArray<RuleAtWork> Rules);

/// <summary>A lock behind a verdict.</summary>
/// <param name="Lock">Which.</param>
/// <param name="Effect">What it does.</param>
public sealed record LockAtWork(AccessLock Lock, RuleEffect Effect);

/// <summary>Why somebody can, or cannot, log in. The verdict is the issuance policy's own; the rules beside it are read off by the functions it decides with.</summary>
/// <param name="IsGranted">Whether there is such a login.</param>
/// <param name="Verdict">In one line.</param>
/// <param name="Validity">When a certificate would end, and by which rule; null where there would be none.</param>
/// <param name="Roles">Every role that the decision draws on.</param>
/// <param name="Locks">The locks that take something from it.</param>
public sealed record Explanation(bool IsGranted, string Verdict, Validity? Validity, ImmutableArray<RoleAtWork> Roles, ImmutableArray<LockAtWork> Locks)
{
    private const string AllowLogins = TemplateGap.AllowLogins;
    private const string AllowNodes = "allow.node_labels";
    private const string DenyLogins = TemplateGap.DenyLogins;
    private const string DenyNodes = "deny.node_labels";
    private const string RequestResources = "request.resources";

    /// <summary>Explains what <see cref="IssuancePolicy.Decide"/> makes of a question, for one login or for all; where the question names a node, on that node.</summary>
    /// <param name="question">As a login would put it.</param>
    /// <param name="login">The login; null for any.</param>
    /// <param name="assumed">Whether the question assumes something that is not so yet.</param>
    public static Explanation Explain(IssuanceQuestion question, string? login = null, bool assumed = false)
    {
        var rules = new Rules(question, login, [.. IssuancePolicy.Draw(question)]);
        var roles = rules.AtWork;
        // It is about what is granted; that one certificate cannot hold all of it refuses nobody. And it is about every certificate of
        // the login: with a request for some nodes, the everyday one opens others.
        var (grants, missing) = IssuancePolicy.AllowLogin(question with { Node = null }).Holds(out var allowed, out _) ? (allowed.Grants, allowed.Missing) : ([], []);
        // A login without a condition comes first: it is the one that is used.
        var opened = grants.OrderBy(grant => grant.Permissions.IsUnconditional ? 0 : 1)
            .SelectMany(grant => grant.Principals.Where(IsMeant).Select(principal => (Principal: principal, Grant: grant)))
            .DistinctBy(one => one.Principal).ToList();
        var everywhere = opened.Where(one => one.Principal.Node is null && one.Grant.Permissions.IsUnconditional).Select(one => one.Principal.Login).ToHashSet(StringComparer.Ordinal);
        opened = opened.FindAll(one => one.Principal.Node is null || !everywhere.Contains(one.Principal.Login));
        var verdict = opened is []
            ? $"no: {rules.WhyNot() ?? WhyRefused() ?? $"no role in use grants {login}"}"
            : $"yes, as {Few(opened.Select(one => $"{(one.Principal.Node is null ? $"{one.Principal.Login} (all hosts)" : one.Principal)}{(one.Grant.Permissions.InWords is { } conditions ? $", {conditions}" : "")}"))}";
        return new Explanation(
            opened is not [],
            $"{question.User.Name} {(assumed ? "could" : "can")} log in{(login is null ? "" : $" as {login}")}{(question.Node is null ? "" : $" on {question.Node}")}: {verdict}",
            opened is [var first, ..] ? first.Grant.Validity : null,
            roles,
            rules.Locks);

        bool IsMeant(Principal principal) => (login is null || principal.Login == login)
            && (question.Node is not { } node || (question.Nodes.Any(one => one.Name == node) && (principal.Node is null || principal.Node == node)));

        string? WhyRefused() => !IssuancePolicy.AllowLogin(question).Holds(out _, out var refusal)
            ? refusal.Message
            : missing.FirstOrDefault(one => one.Principals.Any(IsMeant))?.Why.Message;
    }

    private static string Few(IEnumerable<string> names) => Names.Few([.. names]);

    /// <summary>The rules of roles, as they meet one question.</summary>
    private sealed class Rules
    {
        private readonly IssuanceQuestion question;
        private readonly string? login;
        private readonly Node? node;
        private readonly Denials denials;
        private readonly IReadOnlyList<RoleInUse> permitting;
        private readonly string gaps;

        public Rules(IssuanceQuestion question, string? login, IReadOnlyList<DrawnRole> drawn)
        {
            (this.question, this.login) = (question, login);
            node = question.Nodes.FirstOrDefault(one => one.Name == question.Node);
            var usable = drawn.Select(role => (role.Request, Use: role.Use.Holds(out var inUse, out _) ? inUse : null)).Where(role => role.Use is not null)
                .ToLookup(role => role.Request is null, role => role.Use!);
            IReadOnlyList<RoleInUse> all = RoleInUse.Each(usable[true].Concat(usable[false]));
            denials = new Denials(all, question.Locks);
            Locks = [.. question.Locks.All.Select(one => (Lock: one, Effect: Explain(one, drawn, all))).Where(one => one.Effect is not null).Select(one => new LockAtWork(one.Lock, one.Effect!.Value))];
            permitting = Permissions.Permitting([.. usable[true]], [.. usable[false]]);
            gaps = IssuancePolicy.Gaps(all, question.User);
            AtWork = [.. drawn.Select(role => new RoleAtWork(role.Name, role.Request?.Id, [.. Explain(role)]))];
        }

        public ImmutableArray<RoleAtWork> AtWork { get; }

        public ImmutableArray<LockAtWork> Locks { get; }

        /// <summary>The rule that decides against it, in a sentence; null where it is none of the roles'.</summary>
        public string? WhyNot()
        {
            if (Locks.Any(one => one.Effect == RuleEffect.Refuses))
                return null;
            var rules = AtWork.SelectMany(role => role.Rules.Select(rule => (Role: role.Name, Rule: rule))).ToList();
            if (rules.Exists(one => one.Rule.Effect == RuleEffect.Refuses) || (login is null && question.Node is null))
                return null;
            if (question.Node is not null && node is null)
                return $"there is no node \"{question.Node}\"";
            if (login is not null && Names.DomainOf(login) is { } domain && !(node is null ? question.Nodes.Any(one => one.CanHave(login)) : node.CanHave(login)))
                return $"{node?.Name ?? "no node"} has {(node is null ? "the" : "no")} login_domain {domain}";
            // What takes one login, or one node, says nothing of the others.
            if (Locks.FirstOrDefault(one => one.Effect == RuleEffect.Denies && (one.Lock.Target.Kind == LockKind.Login ? login : question.Node) is not null) is { } locked)
                return locked.Lock.Refusal.Message;
            // What denies one login says nothing of the others.
            if (rules.Find(one => one.Rule.Effect == RuleEffect.Denies && (one.Rule.Field == DenyLogins ? login is not null || one.Rule.Entry == "*" : node is not null)) is { Rule: { } denied } by)
                return $"role {by.Role} denies {(denied.Field == DenyLogins ? login ?? "every login" : node!.Name)} ({denied.Field} {denied.Entry})";
            var near = AtWork.Where(role => role.Rules.Any(rule => rule.Effect == RuleEffect.Allows && rule.Field == AllowLogins)).ToList();
            if (near.Count == 0)
                return login is null ? null : $"no role in use allows the login {login}{gaps}";
            var missed = near.Select(role => (role.Name, Rule: role.Rules.FirstOrDefault(rule => rule.Effect == RuleEffect.Misses && rule.Field is AllowNodes or RequestResources))).ToList();
            return missed.Exists(role => role.Rule is null) ? null : $"role {missed[0].Name} allows {login ?? "logins"}, but {missed[0].Rule!.Why} ({missed[0].Rule!.Field} {missed[0].Rule!.Entry})";
        }

        /// <summary>What a lock does here; null for nothing.</summary>
        private RuleEffect? Explain(AccessLock standing, IReadOnlyList<DrawnRole> drawn, IReadOnlyList<RoleInUse> all) => standing.Target switch
        {
            (LockKind.User, var name) => name == question.User.Name ? RuleEffect.Refuses : null,
            (LockKind.Role, var name) => drawn.Any(role => role.Name == name) ? RuleEffect.Refuses : null,
            (LockKind.Request, var id) => question.Requests.Any(request => request.Id.ToString() == id) ? RuleEffect.Refuses : null,
            (LockKind.Login, var name) => (login ?? name) == name && all.Any(role => role.Logins.Contains(name)) ? RuleEffect.Denies : null,
            (_, var name) when (question.Node ?? name) == name => RuleEffect.Denies,
            _ => all.Any(role => role.Role.Allow.NodeLabels.IsAll) ? RuleEffect.Limits : null,
        };

        private IEnumerable<RuleAtWork> Explain(DrawnRole drawn)
        {
            if (!drawn.Use.Holds(out var inUse, out var refusal))
                return [new RuleAtWork(RuleEffect.Refuses, drawn.Request is null ? "role" : "request", drawn.Name, refusal.Message)];
            // An assigned role is whole in the everyday certificate, whatever a request makes of it in the elevated one.
            var whole = drawn.Request is null ? inUse with { OnlyOn = null } : inUse;
            // What is over has lost its allow already.
            return [.. Ends(inUse.Role), .. inUse.Role.IsOver(question.Now) ? [] : Allows(whole).Concat(OnlyOn(inUse, drawn.Request is null)), .. Denies(inUse), .. Limits(inUse)];
        }

        private IEnumerable<RuleAtWork> Ends(Role role)
        {
            if (role.Expires is { } end)
                yield return role.IsOver(question.Now)
                    ? new RuleAtWork(RuleEffect.Misses, "metadata.expires", $"{end:yyyy-MM-dd'T'HH:mm:ss'Z'}", "it is over: it allows nothing any more; what it denies and limits stays")
                    : new RuleAtWork(RuleEffect.Limits, "metadata.expires", $"{end:yyyy-MM-dd'T'HH:mm:ss'Z'}", "no certificate outlives it");
        }

        private IEnumerable<RuleAtWork> Allows(RoleInUse role)
        {
            var allow = role.Role.Allow;
            if (allow.Logins.IsEmpty)
            {
                yield return new RuleAtWork(RuleEffect.Misses, AllowLogins, "", "it allows no login");
                yield break;
            }
            var granting = allow.Logins.Select(entry => (Entry: entry, Values: Values(entry).Intersect(role.Logins).ToList()))
                .Where(one => login is null ? one.Values.Count > 0 : one.Values.Contains(login)).ToList();
            foreach (var (entry, values) in granting)
                yield return new RuleAtWork(RuleEffect.Allows, AllowLogins, entry.Text, entry.IsLiteral ? $"the login {entry}" : $"{string.Join(", ", values)}, from the traits of {question.User.Name}");
            // Beside an entry that grants the login, a gap changes nothing.
            if (login is null || granting.Count == 0)
                foreach (var gap in role.Gaps.Where(gap => gap.Field == AllowLogins))
                    yield return new RuleAtWork(RuleEffect.Misses, AllowLogins, gap.Entry, $"it grants nothing: {gap.Why}");
            if (login is not null && granting.Count == 0 && role.Logins.Length > 0)
                yield return new RuleAtWork(RuleEffect.Misses, AllowLogins, string.Join(", ", allow.Logins), $"{login} is none of these");
            else if (login is not null && node?.CanHave(login) == false)
                yield return new RuleAtWork(RuleEffect.Misses, AllowLogins, login, $"{node.Name} has no login_domain {Names.DomainOf(login)}, so there is no such account");

            var labels = allow.NodeLabels;
            if (labels.IsNone)
                yield return new RuleAtWork(RuleEffect.Misses, AllowNodes, "", "it names no host");
            else if (labels.IsAll)
                yield return new RuleAtWork(RuleEffect.Allows, AllowNodes, Entry(labels, "*"), login is not null && Names.DomainOf(login) is { } domain
                    ? $"every host with the login_domain {domain}, one by one"
                    : denials.GrantsBare(role) ? "every host: a bare login, valid wherever the CA is trusted"
                    : $"every host, one by one: no bare login, since {Scoping(role)}");
            else if (node is null)
                yield return new RuleAtWork(question.Nodes.Any(one => labels.Matches(one.Labels)) ? RuleEffect.Allows : RuleEffect.Misses, AllowNodes, Entries(labels), Matching(labels));
            else
                foreach (var key in labels.Entries.Keys)
                    yield return new RuleAtWork(labels.Matches(key, node.Labels) ? RuleEffect.Allows : RuleEffect.Misses, AllowNodes, Entry(labels, key), Has(node, key));
        }

        /// <summary>Why a role for all hosts grants no bare login.</summary>
        private string Scoping(RoleInUse role)
        {
            if (role.OnlyOn is not null)
                return "the request names its nodes";
            return denials.OfHosts is [var some, ..] ? $"role {some.Role.Name} denies some" : "a node is locked";
        }

        /// <summary>What a request for nodes makes of a role.</summary>
        private IEnumerable<RuleAtWork> OnlyOn(RoleInUse role, bool isAssigned)
        {
            if (role.OnlyOn is not { } some)
                yield break;
            var names = Few(question.Resources.Where(one => some.Contains(one.Id)).Select(one => one.ToString()));
            if (isAssigned)
                yield return new RuleAtWork(RuleEffect.Limits, RequestResources, names, "in the elevated certificate; the everyday one opens the rest");
            else
                yield return node is null || some.Contains(node.Id)
                    ? new RuleAtWork(RuleEffect.Limits, RequestResources, names, "what it allows counts there only")
                    : new RuleAtWork(RuleEffect.Misses, RequestResources, names, $"{node.Name} was not asked for");
        }

        private IEnumerable<RuleAtWork> Denies(RoleInUse role)
        {
            var (logins, labels) = (role.Role.Deny.Logins, role.Role.Deny.NodeLabels);
            foreach (var entry in logins.Where(entry => login is null || entry.Text == "*" || Values(entry).Contains(login)))
                yield return new RuleAtWork(RuleEffect.Denies, DenyLogins, entry.Text, $"takes {(entry.Text == "*" ? "every login" : string.Join(", ", Values(entry)))} from every role in use");
            if (labels.IsNone)
                yield break;
            if (node is null)
                yield return new RuleAtWork(RuleEffect.Denies, DenyNodes, Entries(labels), $"takes from every role in use: {Matching(labels)}; none grants a bare login beside it");
            else if (labels.Matches(node.Labels))
                yield return new RuleAtWork(RuleEffect.Denies, DenyNodes, Entries(labels), $"takes {node.Name} from every role in use: {string.Join(", ", labels.Entries.Keys.Select(key => Has(node, key)))}");
            else
                yield return new RuleAtWork(RuleEffect.Limits, DenyNodes, Entries(labels), $"not {node.Name}; but no role in use grants a bare login beside it");
        }

        private IEnumerable<RuleAtWork> Limits(RoleInUse role)
        {
            var options = role.Role.Options;
            if (options.MaxSessionTtl is { } longest)
                yield return new RuleAtWork(RuleEffect.Limits, "options.max_session_ttl", Durations.Show(longest), "no certificate is longer");
            if (options.ForceCommand is { } command)
                yield return new RuleAtWork(RuleEffect.Limits, "options.force_command", command, "runs, whatever is asked for");
            if (!options.SourceAddresses.IsEmpty)
                yield return new RuleAtWork(RuleEffect.Limits, "options.source_address", string.Join(", ", options.SourceAddresses), "logins come from there only");
            if (options.VerifyRequired)
                yield return new RuleAtWork(RuleEffect.Limits, "options.verify_required", "true", "only a security key that verifies its user is certified");
            foreach (var (name, value) in role.Extensions)
                yield return new RuleAtWork(RuleEffect.Allows, "options.cert_extensions", name, value.Length == 0 ? "without a value" : $"with the value {value}");
            foreach (var gap in role.Gaps.Where(gap => gap.Field is not (AllowLogins or DenyLogins)))
                yield return new RuleAtWork(RuleEffect.Misses, "options.cert_extensions", gap.Field, $"it is left out: {gap.Why}");
            foreach (var (field, set) in new[] { ("forward_agent", options.ForwardAgent), ("port_forwarding", options.PortForwarding), ("permit_x11_forwarding", options.X11Forwarding) })
                if (set)
                    yield return permitting.Any(one => one.Role.Id == role.Role.Id)
                        ? new RuleAtWork(RuleEffect.Allows, $"options.{field}", "true", "permitted")
                        : new RuleAtWork(RuleEffect.Misses, $"options.{field}", "true", "permitted by the everyday certificate; on an elevated one only the roles of the request permit it");
        }

        private ImmutableArray<string> Values(Template entry) => entry.Values(question.User.Traits);

        private string Matching(LabelSelector labels) =>
            question.Nodes.Where(one => labels.Matches(one.Labels)).Select(one => one.Name).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } names ? Few(names) : "no host today";

        private static string Has(Node node, string key) =>
            key == "*" ? $"{node.Name} is a host" : node.Labels.TryGetValue(key, out var value) ? $"{node.Name} has {key}: {value}" : $"{node.Name} has no label {key}";

        private static string Entries(LabelSelector labels) => string.Join("; ", labels.Entries.Keys.Select(key => Entry(labels, key)));

        private static string Entry(LabelSelector labels, string key) => $"{key}: {string.Join(", ", labels.Entries[key])}";
    }
}
