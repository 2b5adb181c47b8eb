using System.Text;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Store;

namespace CertAuthority;

/// <summary>Chooses the engine of the database that the settings name.</summary>
internal static class DatabaseOf
{
    /// <exception cref="StoreException">The settings cannot be used.</exception>
    /// <exception cref="IOException">There is no credential of the name.</exception>
    /// <exception cref="ExposedException">Others can read the credential.</exception>
    public static Engine Settings(Settings settings, ILogger log) => settings.Database is DatabaseSettings.OnServer server
        ? On(server, password => new Postgres(server.Options, password, server.Realm, settings.DataDirectory, log)
        {
            AllowsAsync = server.AllowsAsync,
        })
        : new Sqlite(PathIn(settings)!, log);

    /// <summary>The same database, for a daemon that writes to it beside the one that leads.</summary>
    /// <inheritdoc cref="Settings"/>
    public static Engine Following(Settings settings, ILogger log) => settings.Database is DatabaseSettings.OnServer server
        ? On(server, password => new PostgresFollower(server.Options, password, server.Realm, settings.DataDirectory, log)
        {
            AllowsAsync = server.AllowsAsync,
        })
        : throw new NotSupportedException("a file has one daemon");

    private static Engine On(DatabaseSettings.OnServer server, Func<string?, Engine> open)
    {
        try
        {
            return open(server.Password ?? (server.Credential is { } name ? Encoding.UTF8.GetString(Credentials.Read(name)) : null));
        }
        catch (ArgumentException e)
        {
            throw new StoreException($"{server} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Returns the path of the file that has the database; null for a database on a server.</summary>
    public static string? PathIn(Settings settings) => settings.Database is DatabaseSettings.InFile file
        ? file.Path ?? Path.Combine(settings.DataDirectory, "certauthority.db")
        : null;

    /// <summary>
    /// Takes a database file outside of the data directory, so that only one daemon uses it. The lock of the data directory covers the file
    /// inside.
    /// </summary>
    /// <returns>The lock; null if none is needed.</returns>
    /// <exception cref="InUseException">Another daemon uses the file.</exception>
    /// <exception cref="ExposedException">Other accounts can change it.</exception>
    public static FileStream? Lock(Settings settings)
    {
        if (PathIn(settings) is not { } path)
            return null;
        var folder = Path.GetDirectoryName(path)!;
        var isApart = folder != Path.TrimEndingDirectorySeparator(Path.GetFullPath(settings.DataDirectory));
        if (isApart)
            OwnFile.PrivateDirectory(folder);
        OwnFile.ExpectOwn(path);
        return isApart ? LockFile.Take(Path.Combine(folder, "certauthority.lock")) : null;
    }
}
