using CertAuthority.Access.Values;

namespace CertAuthority.Access.Reach;

/// <summary>
/// A template of a role that has no usable value for a user. In an allow it grants nothing, because a role that works for everybody else
/// must not lock one person out of everything. In a deny it refuses every login, because a missing denial would let somebody in.
/// </summary>
/// <param name="Field">
/// The field of the template: <see cref="AllowLogins"/>, <see cref="DenyLogins"/>, or the name of the extension whose value it is.
/// </param>
/// <param name="Entry">The template as written.</param>
/// <param name="Why">
/// The cause, without the user's name, so that users with the same gap share one line: <c>no value for the trait email</c>.
/// </param>
public sealed record TemplateGap(string Field, string Entry, string Why)
{
    /// <summary>The logins that a role grants.</summary>
    public const string AllowLogins = "allow.logins";

    /// <summary>The logins that a role takes from every role in use.</summary>
    public const string DenyLogins = "deny.logins";

    /// <summary>The gap as a sentence for people: the role, the template, whom it affects, and the trait that is missing.</summary>
    /// <param name="role">The name of the role.</param>
    /// <param name="users">The names of the users with this gap.</param>
    public string Said(string role, IEnumerable<string> users)
    {
        var names = Names.Few([.. users]);
        return Field switch
        {
            AllowLogins => $"role {role} grants nothing by \"{Entry}\" to {names}: {Why}",
            DenyLogins => $"role {role} denies \"{Entry}\" and so refuses every login of {names}: {Why}",
            _ => $"role {role} gives no extension {Field} by \"{Entry}\" to {names}: {Why}",
        };
    }
}
