using Xunit.Abstractions;
using Xunit.Sdk;

namespace CertAuthority.Tests.Unit.Store;

/// <summary>
/// A test of what only SQLite does. The test command leaves it out where the suite runs on another engine; where nobody does, it is skipped.
/// </summary>
[TraitDiscoverer("CertAuthority.Tests.Unit.Store.EngineTrait", "CertAuthority.Tests.Unit")]
internal sealed class SqliteFactAttribute : FactAttribute, ITraitAttribute
{
    public SqliteFactAttribute() => Skip = TestStore.IsPostgres ? "it is about the database file of SQLite" : null;

    public string Engine => "sqlite";
}

/// <inheritdoc cref="SqliteFactAttribute"/>
[TraitDiscoverer("CertAuthority.Tests.Unit.Store.EngineTrait", "CertAuthority.Tests.Unit")]
internal sealed class SqliteTheoryAttribute : TheoryAttribute, ITraitAttribute
{
    public SqliteTheoryAttribute() => Skip = TestStore.IsPostgres ? "it is about the database file of SQLite" : null;

    public string Engine => "sqlite";
}

/// <summary>A test of what only PostgreSQL does; see <see cref="SqliteFactAttribute"/>.</summary>
[TraitDiscoverer("CertAuthority.Tests.Unit.Store.EngineTrait", "CertAuthority.Tests.Unit")]
internal sealed class PostgresFactAttribute : FactAttribute, ITraitAttribute
{
    public PostgresFactAttribute() => Skip = TestStore.IsPostgres ? null : "it needs CERTAUTHORITY_TEST_STORE=postgres";

    public string Engine => "postgres";
}

/// <inheritdoc cref="PostgresFactAttribute"/>
[TraitDiscoverer("CertAuthority.Tests.Unit.Store.EngineTrait", "CertAuthority.Tests.Unit")]
internal sealed class PostgresTheoryAttribute : TheoryAttribute, ITraitAttribute
{
    public PostgresTheoryAttribute() => Skip = TestStore.IsPostgres ? null : "it needs CERTAUTHORITY_TEST_STORE=postgres";

    public string Engine => "postgres";
}

/// <summary>Lets a filter choose tests by the only engine that they are about, as the trait <c>Engine</c>.</summary>
public sealed class EngineTrait : ITraitDiscoverer
{
    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> GetTraits(IAttributeInfo traitAttribute) =>
        [KeyValuePair.Create("Engine", traitAttribute.GetNamedArgument<string>("Engine"))];
}
