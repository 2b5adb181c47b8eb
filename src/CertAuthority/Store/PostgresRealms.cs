using CertAuthority.Access.Users;
using CertAuthority.Linux;
using Npgsql;

namespace CertAuthority.Store;

/// <summary>The table of the realms whose machines have had a daemon. A realm is never removed: records name it by its number.</summary>
internal static class PostgresRealms
{
    /// <summary>Checks that it is certain whom the uids of this machine mean.</summary>
    /// <inheritdoc cref="Take"/>
    public static void Expect(NpgsqlConnection connection, string name, string? realm)
    {
        if (connection.Scalar("SELECT to_regclass('realms')::text") is not DBNull)
            RecordedRealms.Of(Read(connection), realm, Machine.Id, name);
    }

    /// <summary>Returns the realm of this machine, which is on record from then on.</summary>
    /// <param name="connection">The connection, in a transaction that writes.</param>
    /// <param name="name">The name of the database.</param>
    /// <param name="realm">The name of the realm, as configured; null for none.</param>
    /// <exception cref="StoreException">It is not certain.</exception>
    public static Realm Take(NpgsqlConnection connection, string name, string? realm)
    {
        var own = RecordedRealms.Of(Read(connection), realm, Machine.Id, name);
        connection.Run(
            "INSERT INTO realms (number, name, machine) VALUES ($1, $2, $3) "
                + "ON CONFLICT (number) DO UPDATE SET name = coalesce(realms.name, excluded.name)",
            (long)own.Number, (object?)own.Name ?? DBNull.Value, Machine.Id);
        return own;
    }

    private static List<RecordedRealm> Read(NpgsqlConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT number, name, machine FROM realms ORDER BY number";
        using var row = command.ExecuteReader();
        var realms = new List<RecordedRealm>();
        while (row.Read())
            realms.Add(new RecordedRealm((uint)row.GetInt64(0), row.IsDBNull(1) ? null : row.GetString(1), row.GetString(2)));
        return realms;
    }
}
