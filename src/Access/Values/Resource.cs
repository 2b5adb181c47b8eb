namespace CertAuthority.Access.Values;

/// <summary>What an administrator defines in a file. All kinds have an identity, a name and a revision.</summary>
/// <param name="Id">Immutable: a resource that is removed and created again under its name is another one.</param>
/// <param name="Name">What people call it. No two of a kind have the same name.</param>
/// <param name="Revision">Counts its changes, from 1.</param>
public abstract record Resource(Guid Id, string Name, long Revision);
