using CertAuthority.Protocol;

namespace CertAuthority.Ui.Desks;

/// <summary>Which requests of the past to list. A null member matches everything.</summary>
/// <param name="Person">The user who asked.</param>
/// <param name="Role">A role that was asked for or granted.</param>
/// <param name="Host">A host that the request concerns.</param>
/// <param name="State">A state, in lower case.</param>
/// <param name="Since">Only requests filed since then: a time, or a duration before now.</param>
/// <param name="Whose">For a user: one of <see cref="RequestViews"/>.</param>
/// <param name="After">The position after which the page begins.</param>
public sealed record Search(
    string? Person = null, string? Role = null, string? Host = null, string? State = null, string? Since = null, string? Whose = null,
    string? After = null);
