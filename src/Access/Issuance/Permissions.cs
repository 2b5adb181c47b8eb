using System.Collections.Immutable;
using System.Text;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>What a session may do, and under which conditions: the extensions and critical options of the certificate.</summary>
/// <param name="AgentForwarding"><c>permit-agent-forwarding</c>.</param>
/// <param name="PortForwarding"><c>permit-port-forwarding</c>.</param>
/// <param name="X11Forwarding"><c>permit-X11-forwarding</c>.</param>
/// <param name="Conditions">The critical options, by the names of <see cref="SessionCondition.All"/>, with their values.</param>
/// <param name="Extensions">Extensions that OpenSSH does not define, <c>name@domain</c>.</param>
/// <remarks>A terminal (<c>permit-pty</c>) is always granted.</remarks>
public sealed record SessionPermissions(
    bool AgentForwarding,
    bool PortForwarding,
    bool X11Forwarding,
    ImmutableSortedDictionary<string, string> Conditions,
    ImmutableSortedDictionary<string, string> Extensions)
{
    /// <summary>Only a terminal, under no conditions.</summary>
    public static readonly SessionPermissions Plain = new(false, false, false, SessionConditions.None, SessionConditions.None);

    /// <summary>How many bytes the values take in a certificate, including their lengths.</summary>
    internal int Bytes => Conditions.Concat(Extensions).Sum(option => 16 + option.Key.Length + Encoding.UTF8.GetByteCount(option.Value));

    /// <summary>Whether one certificate can hold these permissions together with the principals.</summary>
    public bool FitBeside(IReadOnlyCollection<Principal> principals) =>
        principals.Count <= Principals.Max && principals.Sum(principal => 4 + principal.ToString().Length) + Bytes <= Principals.MaxBytes;

    /// <summary>
    /// Returns the permissions of a certificate that passes jump hosts: forwarding, under the conditions of the logins for which it is. The
    /// forced command is left out, because nothing runs there.
    /// </summary>
    public SessionPermissions ForJumps() => Plain with
    {
        PortForwarding = true,
        Conditions = Conditions.Remove(SessionCondition.ForceCommand.Name)
    };

    /// <summary>Whether sessions have no conditions.</summary>
    public bool IsUnconditional => Conditions.IsEmpty;

    /// <summary>The conditions for people, <c>runs only /usr/bin/restore</c>; null if there are none.</summary>
    public string? InWords => SessionConditions.InWords(Conditions);

    /// <summary>
    /// Returns why these permissions do not cover those of an issued certificate; null if they do: the certificate permits nothing more and
    /// lacks no condition.
    /// </summary>
    public string? Exceeded(SessionPermissions issued)
    {
        if ((issued.AgentForwarding && !AgentForwarding) || (issued.PortForwarding && !PortForwarding)
            || (issued.X11Forwarding && !X11Forwarding))
            return "a forwarding is not granted any more";
        foreach (var condition in SessionCondition.All)
            if (Conditions.TryGetValue(condition.Name, out var demanded)
                && !(issued.Conditions.TryGetValue(condition.Name, out var held) && condition.Covers(demanded, held)))
                return condition.Exceeded;
        return issued.Extensions.FirstOrDefault(extension => !Extensions.Contains(extension)) is { Key: { } lost }
            ? $"the extension {lost} is not granted any more"
            : null;
    }
}

/// <summary>The third part of the issuance policy: the permissions of a session.</summary>
public static class Permissions
{
    private static readonly (string Field, Func<RoleOptions, bool> Permits)[] Forwardings =
    [
        ("options.forward_agent", options => options.ForwardAgent),
        ("options.port_forwarding", options => options.PortForwarding),
        ("options.permit_x11_forwarding", options => options.X11Forwarding),
    ];

    /// <summary>
    /// Decides what one certificate permits. It permits a forwarding if one of its roles does; on an elevated certificate, only a requested
    /// role can permit one. A condition applies as soon as one of its roles sets it. The decision is a refusal if two commands are forced,
    /// if the address ranges do not overlap, if an extension has two values, or if a verified security key is needed and the key is none,
    /// because sshd ignores <c>verify-required</c> for other keys.
    /// </summary>
    /// <param name="assigned">The assigned roles that share the certificate.</param>
    /// <param name="elevated">The requested roles that share the certificate; empty if there are none.</param>
    /// <param name="isSecurityKey">Whether the key to certify is in a FIDO authenticator.</param>
    public static Decided<SessionPermissions> Decide(
        IReadOnlyList<RoleInUse> assigned, IReadOnlyList<RoleInUse> elevated, bool isSecurityKey)
    {
        var (all, permitting) = (assigned.Concat(elevated).ToImmutableArray(), elevated.Count > 0 ? elevated : assigned);
        return new Decided<SessionPermissions>(
            Outcome(all, permitting, isSecurityKey),
            all.SelectMany(role => Rules(role, permitting.Any(one => one.Role.Id == role.Role.Id))));
    }

    /// <summary>Returns the conditions that a role sets for every session, for people; null if there are none.</summary>
    public static string? Demanded(Role role) => SessionConditions.InWords(role.Options.Conditions);

    private static Outcome<SessionPermissions> Outcome(
        ImmutableArray<RoleInUse> all, IReadOnlyList<RoleInUse> permitting, bool isSecurityKey)
    {
        var conditions = SessionConditions.None;
        foreach (var condition in SessionCondition.All)
            if (Joined(condition, all, isSecurityKey, conditions).Holds(out var more, out var refusal))
                conditions = more;
            else
                return refusal;

        var extensions = SessionConditions.None.ToBuilder();
        foreach (var (name, value) in all.SelectMany(role => role.Extensions))
            if (!extensions.TryAdd(name, value) && extensions[name] != value)
                return new Refusal($"the roles in use have different values for the extension {name}", "log in with one of them");

        bool[] permitted = [.. Forwardings.Select(forwarding => permitting.Any(role => forwarding.Permits(role.Role.Options)))];
        return new SessionPermissions(permitted[0], permitted[1], permitted[2], conditions, extensions.ToImmutable());
    }

    /// <summary>Adds a condition, so that the result meets what all roles require.</summary>
    private static Outcome<ImmutableSortedDictionary<string, string>> Joined(
        SessionCondition condition, ImmutableArray<RoleInUse> roles, bool isSecurityKey,
        ImmutableSortedDictionary<string, string> conditions)
    {
        (string Role, string Value)? joined = null;
        foreach (var role in roles.Select(one => one.Role))
        {
            if (!role.Options.Conditions.TryGetValue(condition.Name, out var value))
                continue;
            if (condition.IsForSecurityKeys && !isSecurityKey)
                return new Refusal($"role {role.Name} certifies only security keys ({condition.Field})")
                {
                    Remedy = new Remedy.UseSecurityKey()
                };
            if (joined is not { } before)
                joined = (role.Name, value);
            else if (condition.Both(before.Value, value) is { } both)
                joined = (before.Role, both);
            else
                return new Refusal(condition.Apart(before.Role, role.Name), "log in with one of them");
        }
        return conditions.With(condition, joined?.Value);
    }

    private static IEnumerable<RuleAtWork> Rules(RoleInUse role, bool permits)
    {
        var (id, options) = (role.Role.Id, role.Role.Options);
        foreach (var condition in SessionCondition.All)
            if (options.Conditions.TryGetValue(condition.Name, out var value))
                yield return new RuleAtWork(id, RuleEffect.Limits, $"options.{condition.Field}", condition.Show(value), condition.Means);
        foreach (var (name, value) in role.Extensions)
            yield return new RuleAtWork(
                id, RuleEffect.Allows, "options.cert_extensions", name, value.Length == 0 ? "without a value" : $"with the value {value}");
        foreach (var gap in role.Gaps.Where(gap => gap.Field is not (TemplateGap.AllowLogins or TemplateGap.DenyLogins)))
            yield return new RuleAtWork(id, RuleEffect.Misses, "options.cert_extensions", gap.Field, $"it is left out: {gap.Why}");
        foreach (var (field, _) in Forwardings.Where(forwarding => forwarding.Permits(options)))
            yield return permits
                ? new RuleAtWork(id, RuleEffect.Allows, field, "true", "permitted")
                : new RuleAtWork(
                    id, RuleEffect.Misses, field, "true",
                    "permitted by the everyday certificate; on an elevated one only the roles of the request permit it");
    }
}
