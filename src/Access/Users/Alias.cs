namespace CertAuthority.Access.Users;

/// <summary>One of the forms in which a person appears: a user, an account of the machine, or a uid.</summary>
public readonly record struct Alias
{
    private readonly Guid? user;
    private readonly string? account;
    private readonly uint? uid;

    private Alias(Guid? user, string? account, uint? uid)
    {
        this.user = user;
        this.account = account;
        this.uid = uid;
    }

    /// <summary>A user, by the immutable id.</summary>
    public static Alias User(Guid id) => new(id, null, null);

    /// <summary>An account, by its name.</summary>
    public static Alias Account(string name) => new(null, name, null);

    /// <summary>A uid, whether or not an account has it.</summary>
    public static Alias Uid(uint uid) => new(null, null, uid);

    /// <summary>The uid, if the alias is one.</summary>
    public uint? Number => uid;

    /// <summary>The account's name, if the alias is an account.</summary>
    public string? Name => account;

    /// <summary>The user's ID, if the alias is a user.</summary>
    public Guid? Id => user;

    /// <inheritdoc/>
    public override string ToString() => user?.ToString() ?? account ?? $"uid {uid}";
}
