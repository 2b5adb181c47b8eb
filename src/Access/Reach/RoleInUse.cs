using System.Collections.Immutable;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>A role as it counts for one user, with its templates filled in from the user's traits.</summary>
/// <param name="Role">The role.</param>
/// <param name="Allowed">The allowed logins, by entry; each is a Unix login.</param>
/// <param name="Denied">The denied logins, by entry; each is a login or <c>*</c>.</param>
/// <param name="Extensions">The extensions with their values.</param>
public sealed record RoleInUse(
    Role Role,
    ImmutableArray<FilledIn> Allowed,
    ImmutableArray<FilledIn> Denied,
    ImmutableSortedDictionary<string, string> Extensions)
{
    /// <summary>The allowed logins; each is a Unix login.</summary>
    public ImmutableArray<string> Logins { get; } = [.. Allowed.SelectMany(entry => entry.Values)];

    /// <summary>The denied logins; each is a login or <c>*</c>.</summary>
    public ImmutableArray<string> DeniedLogins { get; } = [.. Denied.SelectMany(entry => entry.Values)];

    /// <summary>
    /// The IDs of the only nodes where its allow counts; null for every node that it reaches. Its deny applies everywhere.
    /// </summary>
    public ImmutableHashSet<Guid>? OnlyOn { get; init; }

    /// <summary>Returns each role once. If a role occurs several times, it counts wherever any of its occurrences counts.</summary>
    public static ImmutableArray<RoleInUse> Each(IEnumerable<RoleInUse> roles) =>
    [
        .. roles.GroupBy(role => role.Role.Id)
            .Select(
                same => same.Aggregate(
                    (one, other) => one with { OnlyOn = one.OnlyOn is { } some && other.OnlyOn is { } more ? some.Union(more) : null })),
    ];

    /// <summary>The templates without a value for this user, which therefore grant nothing.</summary>
    public ImmutableArray<TemplateGap> Gaps { get; init; } = [];

    /// <summary>
    /// Fills in the templates. A gap in an allow or in an extension grants nothing; a gap in a deny refuses the role, and with it the
    /// certificate.
    /// </summary>
    public static Outcome<RoleInUse> FillIn(Role role, User user)
    {
        var gaps = Filled(role, user, out var filled);
        return gaps.FirstOrDefault(gap => gap.Field == TemplateGap.DenyLogins) is { } gap
            ? new Refusal(gap.Said(role.Name, [user.Name])) { Remedy = new Remedy.SetTraits(user.Name) }
            : filled;
    }

    /// <summary>Returns every gap that a role has for a user, including gaps that refuse the role.</summary>
    public static ImmutableArray<TemplateGap> GapsOf(Role role, User user) => Filled(role, user, out _);

    /// <summary>
    /// Whether the text may be the value of an extension: printable ASCII of at most 256 characters, because it is logged unescaped.
    /// </summary>
    public static bool IsExtensionValue(string text) => text.Length <= 256 && text.All(c => c is >= ' ' and <= '~');

    private static ImmutableArray<TemplateGap> Filled(Role role, User user, out RoleInUse filled)
    {
        var gaps = ImmutableArray.CreateBuilder<TemplateGap>();
        var logins = Fill(role.Allow.Logins, TemplateGap.AllowLogins, (_, value) => Names.IsGrantable(value));
        var denied = Fill(
            role.Deny.Logins, TemplateGap.DenyLogins, (template, value) => Names.IsLogin(value) || (template.IsLiteral && value == "*"));
        var extensions = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, template) in role.Options.Extensions)
            switch (Values(template, name))
            {
                case [var value] when IsExtensionValue(value):
                    extensions[name] = value;
                    break;
                case [_]:
                    Gap(template, name, $"the value of the trait {template.Trait} is not printable ASCII of at most 256 characters");
                    break;
                case [_, _, ..]:
                    Gap(template, name, $"the trait {template.Trait} has several values");
                    break;
            }
        filled = new RoleInUse(role, logins, denied, extensions.ToImmutable()) { Gaps = gaps.ToImmutable() };
        return filled.Gaps;

        ImmutableArray<FilledIn> Fill(ImmutableArray<Template> templates, string field, Func<Template, string, bool> fits)
        {
            var entries = ImmutableArray.CreateBuilder<FilledIn>();
            foreach (var template in templates)
            {
                var values = Values(template, field).ToLookup(value => fits(template, value));
                foreach (var value in values[false])
                    Gap(template, field, $"\"{value}\" is {Names.LoginFault(value)}");
                entries.Add(new FilledIn(template, [.. values[true]]));
            }
            return entries.ToImmutable();
        }

        ImmutableArray<string> Values(Template template, string field)
        {
            var values = template.Values(user.Traits);
            if (values.IsEmpty)
                Gap(
                    template, field,
                    user.Traits.TryGetValue(template.Trait!, out var given) && !given.IsEmpty
                        ? $"no value of the trait {template.Trait} fits"
                        : $"no value for the trait {template.Trait}");
            return values;
        }

        void Gap(Template template, string field, string why) => gaps.Add(new TemplateGap(field, template.Text, why));
    }
}

/// <summary>An entry of a role that names logins, filled in for a user.</summary>
/// <param name="Entry">The entry as written.</param>
/// <param name="Values">The logins for this entry; empty if it has a gap.</param>
public sealed record FilledIn(Template Entry, ImmutableArray<string> Values);
