print("komainu")
