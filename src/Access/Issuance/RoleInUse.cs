using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>A role as it counts for one user: its templates are filled in from the user's traits.</summary>
/// <param name="Role">The role.</param>
/// <param name="Logins">What it allows; each a Unix login.</param>
/// <param name="DeniedLogins">What it denies; logins, or <c>*</c>.</param>
/// <param name="Extensions">Its extensions with their values.</param>
public sealed record RoleInUse(
    Role Role,
    ImmutableArray<string> Logins,
    ImmutableArray<string> DeniedLogins,
    ImmutableSortedDictionary<string, string> Extensions)
{
    /// <summary>The ids of the only nodes where what it allows counts; null for wherever it reaches. What it denies, it denies everywhere.</summary>
    public ImmutableHashSet<Guid>? OnlyOn { get; init; }

    /// <summary>Each role once. One that is drawn on several times counts wherever any of them does.</summary>
    public static ImmutableArray<RoleInUse> Each(IEnumerable<RoleInUse> roles) =>
    [
        .. roles.GroupBy(role => role.Role.Id)
            .Select(same => same.Aggregate((one, other) => one with { OnlyOn = one.OnlyOn is { } some && other.OnlyOn is { } more ? some.Union(more) : null })),
    ];

    /// <summary>
    /// Fills in the templates. One that stands for nothing, or for something that is no login, refuses the whole role: left
    /// out of a deny it would let somebody in, and left out of an allow nobody would know why.
    /// </summary>
    public static Outcome<RoleInUse> Of(Role role, User user)
    {
        if (!Fill(role, user, role.Allow.Logins, denies: false).Holds(out var logins, out var refusal)
            || !Fill(role, user, role.Deny.Logins, denies: true).Holds(out var denied, out refusal))
            return refusal;
        var extensions = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, template) in role.Options.Extensions)
            if (template.Values(user.Traits) is [var value] && IsExtensionValue(value))
                extensions[name] = value;
            else
                return new Refusal($"role {role.Name} has no single plain value for the extension {name}, \"{template}\", from the traits of user \"{user.Name}\"", Traits(user));
        return new RoleInUse(role, [.. logins], [.. denied], extensions.ToImmutable());
    }

    /// <summary>Whether the text may be the value of an extension: printable ASCII of at most 256 characters; it is logged as it is.</summary>
    public static bool IsExtensionValue(string text) => text.Length <= 256 && text.All(c => c is >= ' ' and <= '~');

    private static Outcome<IReadOnlyList<string>> Fill(Role role, User user, ImmutableArray<Template> templates, bool denies)
    {
        var logins = new List<string>();
        foreach (var template in templates)
        {
            var values = template.Values(user.Traits);
            if (values.IsEmpty)
                return new Refusal($"role {role.Name} {(denies ? "denies" : "grants")} \"{template}\", and the traits of user \"{user.Name}\" have no value for it", Traits(user));
            if (values.FirstOrDefault(value => !(denies ? Names.IsLogin(value) || (template.IsLiteral && value == "*") : Names.IsGrantable(value))) is { } odd)
                return new Refusal($"role {role.Name} {(denies ? "denies" : "grants")} \"{template}\", which is \"{odd}\" for user \"{user.Name}\" and {Names.LoginFault(odd)}", $"logins have the form {Names.LoginForm}");
            logins.AddRange(values);
        }
        return logins;
    }

    private static string Traits(User user) => $"an administrator sets them: tctl users update --set-logins=… {user.Name}, or spec.traits in tctl edit user/{user.Name}";
}
