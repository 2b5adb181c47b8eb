namespace CertAuthority.Access.Values;

/// <summary>An object that an administrator defines in a file. Resources of every kind have an ID, a name and a revision.</summary>
/// <param name="Id">Immutable: a resource that is removed and created again under the same name is another one.</param>
/// <param name="Name">The name that people use. It is unique among resources of the same kind.</param>
/// <param name="Revision">Counts its changes, from 1.</param>
public abstract record Resource(Guid Id, string Name, long Revision);
