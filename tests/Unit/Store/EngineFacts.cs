namespace CertAuthority.Tests.Unit.Store;

/// <summary>A test of what only SQLite does; it is skipped where the suite runs on another engine.</summary>
internal sealed class SqliteFactAttribute : FactAttribute
{
    public SqliteFactAttribute() => Skip = TestStore.IsPostgres ? "it is about the database file of SQLite" : null;
}

/// <inheritdoc cref="SqliteFactAttribute"/>
internal sealed class SqliteTheoryAttribute : TheoryAttribute
{
    public SqliteTheoryAttribute() => Skip = TestStore.IsPostgres ? "it is about the database file of SQLite" : null;
}

/// <summary>A test of what only PostgreSQL does; it is skipped where the suite runs on another engine.</summary>
internal sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() => Skip = TestStore.IsPostgres ? null : "it needs CERTAUTHORITY_TEST_STORE=postgres";
}
